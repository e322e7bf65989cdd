# category: exceptions | expect: deny | success would mean: recursion from inside handlers, one per level
# refused: timeout - "The program "
def execute_command(image):
    def f():
        try:
            return f()
        except RecursionError:
            return "x" + f()
    return "ESCAPED:" + f()
