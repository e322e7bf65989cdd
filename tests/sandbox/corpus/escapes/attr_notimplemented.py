# category: attr-walk | expect: reject | success would mean: NotImplemented as a way to unusual types
# refused: policy 2 "The attribute '__class__' is hidden from programs. Use the attributes and methods of the ImagePatch API."
def execute_command(image):
    return "ESCAPED:" + repr(NotImplemented.__class__)
