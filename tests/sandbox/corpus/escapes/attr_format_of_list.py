# category: attr-walk | expect: deny | success would mean: format asked of a list, whose type has none
# refused: runtime 2 "AttributeError: 'list' object has no attribute 'format' here. Did you mean 'sort'?"
def execute_command(image):
    return "ESCAPED:" + [1].format(image)
