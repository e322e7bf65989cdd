# category: attr-walk | expect: deny | success would mean: int.from_bytes and to_bytes give raw bytes
# refused: check 2 "There is no attribute 'from_bytes' in programs. There are no bytes here; use numbers."
def execute_command(image):
    return "ESCAPED:" + repr(int.from_bytes("ab", "big"))
