# category: resource | expect: kill | success would mean: exponential work by catching RecursionError at each level
# refused: timeout - "The program "
def execute_command(image):
    def f():
        try:
            f()
        except RecursionError:
            f()
        f()
    f()
    return "ESCAPED"
