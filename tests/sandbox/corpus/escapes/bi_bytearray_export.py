# category: builtins-import | expect: reject | success would mean: bytearray resized while a view of it lives
# refused: policy 2 "'bytearray' is not part of programs: use a list."
def execute_command(image):
    b = bytearray(8)
    v = memoryview(b)
    b.clear()
    return "ESCAPED:" + repr(v)
