# category: format | expect: reject | success would mean: an attribute in the format spec of an f-string
# refused: policy 2 "The attribute '__class__' is hidden from programs. Use the attributes and methods of the ImagePatch API."
def execute_command(image):
    return f"ESCAPED:{1:{image.__class__.__name__}}"
