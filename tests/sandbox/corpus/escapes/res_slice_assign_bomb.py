# category: resource | expect: kill | success would mean: slice assignment from an endless iterator
# refused: memory 3 "MemoryError: the program needs more memory than it may use"
def execute_command(image):
    xs = [0]
    xs[0:0] = iter(int, 1)
    return "ESCAPED"
