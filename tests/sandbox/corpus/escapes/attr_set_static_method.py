# category: attr-walk | expect: deny | success would mean: set.union taken from the type works on sets alone
# refused: runtime 2 "TypeError: "
def execute_command(image):
    return "ESCAPED:" + repr(set.union(image, {1}))
