# category: attr-walk | expect: deny | success would mean: class methods of float
# refused: check 2 "There is no attribute 'fromhex' in programs. Did you mean 'fromkeys'?"
def execute_command(image):
    return "ESCAPED:" + repr(float.fromhex("0x1p3"))
