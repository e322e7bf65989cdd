# category: timeout-evasion | expect: bounded | success would mean: calls that never end: time stands still for a program that waits
# refused: limit 4 "The program used all of its 2,000 vision and language calls."
def execute_command(image):
    while True:
        try:
            image.exists("dog")
        except:
            pass
