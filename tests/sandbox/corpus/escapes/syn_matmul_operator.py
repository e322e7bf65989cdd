# category: syntax | expect: deny | success would mean: an operator that nothing here supports
# refused: runtime 2 "TypeError: "
def execute_command(image):
    return "ESCAPED:" + repr(image @ image)
