# category: resource | expect: deny | success would mean: recursion through C: a key that sorts with itself
# refused: runtime 3 "RecursionError: maximum recursion depth exceeded"
def execute_command(image):
    def key(x):
        return sorted([1, 2], key=key)
    return "ESCAPED:%s" % key(1)
