# category: format | expect: reject | success would mean: attribute inside f-string expression
# refused: policy 2 "The attribute '__class__' is hidden from programs. Use the attributes and methods of the ImagePatch API."
def execute_command(image):
    return f"ESCAPED:{image.__class__!r}"
