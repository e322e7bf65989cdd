# category: format | expect: reject | success would mean: format_map takes a mapping of the program's making
# refused: check 2 "There is no attribute 'format_map' in programs. Did you mean 'format'?"
def execute_command(image):
    return "ESCAPED:" + "{a.__class__}".format_map({"a": image})
