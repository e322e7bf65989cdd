# category: os: memory | expect: kill | success would mean: gigabytes in one buffer
# refused: policy 2 "'bytearray' is not part of programs: use a list."
# os: memory
def execute_command(image):
    return "ESCAPED:%d" % len(bytearray(3 << 30))
