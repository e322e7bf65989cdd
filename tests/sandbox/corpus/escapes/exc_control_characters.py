# category: exceptions | expect: deny | success would mean: terminal escapes and line breaks in a message that is printed and logged
# refused: runtime 2 "ValueError: "
def execute_command(image):
    raise ValueError("\x1b[2J\r\nERROR root: \x00 ESCAPE")
