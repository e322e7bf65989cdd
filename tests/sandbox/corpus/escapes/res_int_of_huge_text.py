# category: resource | expect: deny | success would mean: int of a text of many digits is quadratic
# refused: runtime 2 "ValueError: "
def execute_command(image):
    return "ESCAPED:%d" % int("9" * 100_000)
