# category: attr-walk | expect: deny | success would mean: class methods of float
# refused: check 2 "No object in a program has an attribute 'fromhex'. Did you mean 'fromkeys'?"
def execute_command(image):
    return "ESCAPED:" + repr(float.fromhex("0x1p3"))
