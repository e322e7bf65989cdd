# category: attr-walk | expect: reject | success would mean: default values are evaluated when the module is run
# refused: policy 1 "The attribute '__class__' is hidden from programs. Use the attributes and methods of the ImagePatch API."
def execute_command(image, x=().__class__):
    return "ESCAPED:" + repr(x)
