# category: attr-walk | expect: reject | success would mean: the test of a loop
# refused: policy 2 "The attribute '__class__' is hidden from programs. Use the attributes and methods of the ImagePatch API."
def execute_command(image):
    while image.__class__:
        return "ESCAPED"
