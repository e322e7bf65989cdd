# category: attr-walk | expect: deny | success would mean: items asked of the functions of the API
# refused: runtime 3 "AttributeError: 'function' object has no attribute 'get' here."
def execute_command(image):
    f = [distance][0]
    return "ESCAPED:" + repr(f.get("x"))
