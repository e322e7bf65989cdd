# category: encoding | expect: reject | success would mean: a vertical tab is no space for the parser
# refused: syntax 2 ""
def execute_command(image):
    return@VT@"ESCAPED:vt"
