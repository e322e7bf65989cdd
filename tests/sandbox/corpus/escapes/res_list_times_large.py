# category: resource | expect: kill | success would mean: [0] * 10**10
# refused: memory 2 "MemoryError: the program needs more memory than it may use"
# os: memory
def execute_command(image):
    return "ESCAPED:%d" % len([0] * 10 ** 10)
