# category: attr-walk | expect: deny | success would mean: dict.items taken from the type
# refused: runtime 2 "AttributeError: type 'dict' has no attribute 'items' here."
def execute_command(image):
    return "ESCAPED:" + repr(dict.items)
