# category: format | expect: kill | success would mean: a width given to str.format
# refused: memory 2 "MemoryError: the program needs more memory than it may use"
def execute_command(image):
    return len("{:>{w}}".format("ESCAPED", w=4 * 10 ** 9))
