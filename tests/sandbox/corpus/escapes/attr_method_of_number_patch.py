# category: attr-walk | expect: deny | success would mean: a box edge is a plain float, without methods that convert
# refused: check 2 "There is no attribute 'as_integer_ratio' in programs. Did you mean 'is_integer'?"
def execute_command(image):
    return "ESCAPED:" + repr(image.left.as_integer_ratio())
