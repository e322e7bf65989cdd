# category: resource | expect: deny | success would mean: a repetition beyond the largest size
# refused: runtime 2 "OverflowError: "
def execute_command(image):
    return "ESCAPED:%d" % len("x" * 2 ** 70)
