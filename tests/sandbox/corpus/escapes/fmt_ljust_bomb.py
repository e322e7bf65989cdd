# category: format | expect: kill | success would mean: ljust, zfill and center allocate at will
# refused: memory 2 "MemoryError: the program needs more memory than it may use"
def execute_command(image):
    return "ESCAPED:%d" % len("x".zfill(3 * 10 ** 9))
