# category: resource | expect: kill | success would mean: a dict that grows for ever
# refused: memory 5 "MemoryError: the program needs more memory than it may use"
def execute_command(image):
    d = {}
    n = 0
    while True:
        d[n] = str(n) * 100
        n += 1
