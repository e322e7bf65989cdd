# category: resource | expect: deny | success would mean: recursion through max and its key
# refused: runtime 3 "RecursionError: maximum recursion depth exceeded"
def execute_command(image):
    def f(x):
        return max([1, 2], key=f)
    return "ESCAPED:%s" % f(0)
