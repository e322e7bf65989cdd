# category: resource | expect: kill | success would mean: a set of tuples from nested loops
# refused: memory 2 "MemoryError: the program needs more memory than it may use"
def execute_command(image):
    return "ESCAPED:%d" % len({(a, b, c) for a in range(900) for b in range(900) for c in range(900)})
