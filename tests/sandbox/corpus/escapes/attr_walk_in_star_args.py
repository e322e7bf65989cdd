# category: attr-walk | expect: reject | success would mean: starred arguments
# refused: policy 2 "The attribute '__class__' is hidden from programs. Use the attributes and methods of the ImagePatch API."
def execute_command(image):
    return "ESCAPED:" + max(*image.__class__.__mro__, key=str)
