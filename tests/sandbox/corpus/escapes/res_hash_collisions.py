# category: resource | expect: kill | success would mean: numbers with one hash make a dict quadratic
# refused: timeout - "The program "
def execute_command(image):
    modulus = 2 ** 61 - 1
    d = {}
    for i in range(100_000):
        d[i * modulus] = 1
    return "ESCAPED:%d" % len(d)
