# category: attr-walk | expect: reject | success would mean: list[int].__origin__ and its kin forward attributes to the type
# refused: policy 2 "The attribute '__origin__' is hidden from programs. Use the attributes and methods of the ImagePatch API."
def execute_command(image):
    return "ESCAPED:" + repr(list[int].__origin__)
