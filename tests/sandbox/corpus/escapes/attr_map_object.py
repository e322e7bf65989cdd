# category: attr-walk | expect: deny | success would mean: attributes of C iterators
# refused: runtime 3 "AttributeError: 'map' object has no attribute 'find' here."
def execute_command(image):
    m = map(str, [1])
    return "ESCAPED:" + repr(m.find)
