# category: format | expect: deny | success would mean: fields nested deeper than the formatter allows
# refused: runtime 2 "ValueError: "
def execute_command(image):
    return "ESCAPED:" + "{:{:{:{}}}}".format(1, 2, 3, 4)
