# category: attr-walk | expect: deny | success would mean: bytes of a number, the way to forged buffers
# refused: check 3 "There is no attribute 'to_bytes' in programs. There are no bytes here; use numbers."
def execute_command(image):
    n = 65
    return "ESCAPED:" + repr(n.to_bytes(2, "big"))
