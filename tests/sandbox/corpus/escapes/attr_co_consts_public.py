# category: attr-walk | expect: deny | success would mean: public attributes of code objects
# refused: check 3 "No object in a program has an attribute 'co_consts'. Use a method of str, list, dict or set, or of the ImagePatch AP"
def execute_command(image):
    f = lambda: 0
    return "ESCAPED:" + repr(f.co_consts)
