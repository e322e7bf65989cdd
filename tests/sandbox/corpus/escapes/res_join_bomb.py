# category: resource | expect: kill | success would mean: nested join / list * n
# refused: memory 2 "MemoryError: the program needs more memory than it may use"
def execute_command(image):
    return "ESCAPED:%d" % len((("x" * 10 ** 5) + ",").join(["y" * 10 ** 5] * 10 ** 5))
