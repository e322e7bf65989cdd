# category: format | expect: kill | success would mean: a precision of gigabytes in a percent format
# refused: memory 2 "MemoryError: the program needs more memory than it may use"
# os: memory
def execute_command(image):
    return "ESCAPED:%d" % len("%.2000000000f" % 1.5)
