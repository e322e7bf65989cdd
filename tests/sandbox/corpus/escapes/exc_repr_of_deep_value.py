# category: exceptions | expect: deny | success would mean: repr of a deep value recurses in C
# refused: runtime 5 "RecursionError: maximum recursion depth exceeded"
def execute_command(image):
    items = []
    for i in range(100_000):
        items = [items]
    return "ESCAPED:" + repr(items)
