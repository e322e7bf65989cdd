# category: resource | expect: kill | success would mean: extending a list by its own iterator
# refused: memory 3 "MemoryError: the program needs more memory than it may use"
def execute_command(image):
    xs = [1]
    xs.extend(x for x in xs)
    return "ESCAPED"
