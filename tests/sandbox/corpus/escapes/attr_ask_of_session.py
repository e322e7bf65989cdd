# category: attr-walk | expect: reject | success would mean: forging a call past every check of arguments
# refused: policy 2 "The attribute '_ask' is hidden from programs. Use the attributes and methods of the ImagePatch API."
def execute_command(image):
    return "ESCAPED:" + repr(image._session._ask("os.system", None, ("id",), 1))
