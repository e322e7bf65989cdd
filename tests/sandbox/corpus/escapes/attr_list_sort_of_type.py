# category: attr-walk | expect: deny | success would mean: list.sort taken from the type works on strangers' lists
# refused: runtime 2 "AttributeError: type 'list' has no attribute 'sort' here."
def execute_command(image):
    return "ESCAPED:" + repr(list.sort)
