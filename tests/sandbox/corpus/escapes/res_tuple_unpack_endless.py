# category: resource | expect: kill | success would mean: unpacking an endless iterator
# refused: memory 2 "MemoryError: the program needs more memory than it may use"
def execute_command(image):
    first, *rest = iter(int, 1)
    return "ESCAPED"
