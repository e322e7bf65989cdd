# category: resource | expect: deny | success would mean: the fixed-point combinator without an end
# refused: runtime 2 "RecursionError: maximum recursion depth exceeded"
def execute_command(image):
    return (lambda f: f(f))(lambda f: f(f))
