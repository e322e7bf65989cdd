# category: attr-walk | expect: reject | success would mean: an assignment expression keeps what the walk found
# refused: policy 2 "The attribute '__class__' is hidden from programs. Use the attributes and methods of the ImagePatch API."
def execute_command(image):
    if (c := image.__class__):
        return "ESCAPED:" + repr(c)
