# category: attr-walk | expect: deny | success would mean: int.from_bytes and to_bytes give raw bytes
# refused: check 2 "No object in a program has an attribute 'from_bytes'. Did you mean 'fromkeys'?"
def execute_command(image):
    return "ESCAPED:" + repr(int.from_bytes("ab", "big"))
