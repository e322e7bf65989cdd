# category: attr-walk | expect: deny | success would mean: format asked of a number
# refused: runtime 3 "AttributeError: 'int' object has no attribute 'format' here."
def execute_command(image):
    n = 5
    return "ESCAPED:" + n.format(image)
