# category: rpc | expect: bounded | success would mean: more patches than a program may hold
# refused: limit 4 "The program used all of its 2,000 vision and language calls."
def execute_command(image):
    found = []
    for i in range(100_000):
        found += image.find("dog")
    return "ESCAPED"
