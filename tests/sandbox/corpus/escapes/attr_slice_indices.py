# category: attr-walk | expect: deny | success would mean: a slice object's methods
# refused: check 2 "There is no attribute 'indices' in programs. Did you mean 'index' or 'finditer' or 'rindex'?"
def execute_command(image):
    return "ESCAPED:" + repr(slice(1, 2).indices(5))
