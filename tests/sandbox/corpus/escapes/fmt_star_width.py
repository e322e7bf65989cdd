# category: format | expect: kill | success would mean: '%*d' takes its width from an argument
# refused: memory 2 "MemoryError: the program needs more memory than it may use"
def execute_command(image):
    return "ESCAPED:%d" % len("%*d" % (2 * 10 ** 9, 1))
