# category: resource | expect: kill | success would mean: pow() builtin without the operator guard
# refused: timeout - "The program "
def execute_command(image):
    return "ESCAPED:%d" % (pow(7, 10 ** 9) % 10)
