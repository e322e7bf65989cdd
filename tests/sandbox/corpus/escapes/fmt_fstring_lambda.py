# category: format | expect: reject | success would mean: a lambda in an f-string
# refused: policy 2 "The attribute '__class__' is hidden from programs. Use the attributes and methods of the ImagePatch API."
def execute_command(image):
    return f"ESCAPED:{(lambda: image.__class__)()}"
