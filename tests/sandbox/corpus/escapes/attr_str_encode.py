# category: attr-walk | expect: deny | success would mean: text to bytes, bytes to anything
# refused: check 2 "There is no attribute 'encode' in programs. Texts need no encoding here"
def execute_command(image):
    return "ESCAPED:" + repr("abc".encode())
