# category: resource | expect: kill | success would mean: a list doubled by a slice of itself
# refused: memory 4 "MemoryError: the program needs more memory than it may use"
def execute_command(image):
    xs = [1]
    while True:
        xs[len(xs):] = xs
