# category: attr-walk | expect: reject | success would mean: int | str is a UnionType with __args__
# refused: policy 2 "The attribute '__args__' is hidden from programs. Use the attributes and methods of the ImagePatch API."
def execute_command(image):
    return "ESCAPED:" + repr((int | str).__args__)
