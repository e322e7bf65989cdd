# category: attr-walk | expect: deny | success would mean: Ellipsis is an object too
# refused: runtime 3 "AttributeError: 'ellipsis' object has no attribute 'find' here."
def execute_command(image):
    things = [...]
    return "ESCAPED:" + repr(things[0].find)
