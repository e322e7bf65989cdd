# category: format | expect: reject | success would mean: implicit concatenation of plain and f-string parts
# refused: policy 2 "The attribute '__module__' is hidden from programs. Use the attributes and methods of the ImagePatch API."
def execute_command(image):
    return "ESCAPED:{image.width}" f"{image.__module__}"
