# category: syntax | expect: reject | success would mean: a type statement makes a lazily evaluated object
# refused: syntax|policy|check * ""
type A = __import__("os").system("id")
def execute_command(image):
    return "ESCAPED:" + repr(A)
