# category: resource | expect: deny | success would mean: recursion through map
# refused: runtime 3 "RecursionError: maximum recursion depth exceeded"
def execute_command(image):
    def f(x):
        return list(map(f, [x]))
    return "ESCAPED:%s" % f(1)
