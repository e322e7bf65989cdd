# category: syntax | expect: reject | success would mean: a Cyrillic letter makes another name that only looks alike
# refused: check 2 "Unknown name '\u043epen'. Define it before it is used."
def execute_command(image):
    return "ESCAPED:" + оpen
