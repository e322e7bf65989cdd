# category: format | expect: kill | success would mean: expandtabs multiplies a text by its argument
# refused: memory 2 "MemoryError: the program needs more memory than it may use"
# os: memory
def execute_command(image):
    return "ESCAPED:%d" % len(("\t" * 1000).expandtabs(10 ** 7))
