# category: format | expect: deny | success would mean: a width beyond the largest size overflows a C counter
# refused: runtime 2 "ValueError: "
def execute_command(image):
    return "ESCAPED:" + "{:99999999999999999999}".format(1)
