# category: format | expect: kill | success would mean: replace multiplies lengths
# refused: memory 2 "MemoryError: the program needs more memory than it may use"
def execute_command(image):
    return "ESCAPED:%d" % len(("a" * 10 ** 5).replace("a", "b" * 10 ** 5))
