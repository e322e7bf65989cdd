# category: resource | expect: deny | success would mean: str of a number of many digits is quadratic
# refused: runtime 2 "ValueError: "
def execute_command(image):
    return "ESCAPED:" + str(10 ** 100_000)
