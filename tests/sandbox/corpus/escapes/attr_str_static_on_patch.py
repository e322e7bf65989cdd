# category: attr-walk | expect: deny | success would mean: str.join taken from the type works on texts alone
# refused: runtime 2 "TypeError: "
def execute_command(image):
    return "ESCAPED:" + str.join(image, ["a"])
