# category: attr-walk | expect: deny | success would mean: members of the type range
# refused: runtime 2 "AttributeError: type 'range' has no attribute 'start' here."
def execute_command(image):
    return "ESCAPED:" + repr(range.start)
