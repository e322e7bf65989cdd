# category: builtins-import | expect: deny | success would mean: bytearray/memoryview give writable buffers (UAF tricks)
# refused: policy 2 "'bytearray' is not part of programs: use a list."
def execute_command(image):
    m = memoryview(bytearray(8))
    return "ESCAPED:" + repr(m.cast("L")[0])
