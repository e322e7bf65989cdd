# category: resource | expect: deny | success would mean: two functions that call each other
# refused: runtime * "RecursionError: maximum recursion depth exceeded"
def execute_command(image):
    def a():
        return b()
    def b():
        return a()
    return "ESCAPED:" + a()
