# category: resource | expect: deny | success would mean: comparing two lists that are very deep
# refused: runtime 5 "RecursionError: maximum recursion depth exceeded"
def execute_command(image):
    a, b = [], []
    for i in range(100_000):
        a, b = [a], [b]
    return "ESCAPED:%s" % (a == b)
