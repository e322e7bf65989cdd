# category: rpc | expect: bounded | success would mean: more calls than a program may make
# refused: limit 3 "The program used all of its 2,000 vision and language calls."
def execute_command(image):
    for i in range(100_000):
        image.exists("dog")
    return "ESCAPED"
