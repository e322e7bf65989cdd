# category: format | expect: reject | success would mean: an f-string inside an f-string hides an attribute two levels down
# refused: policy 2 "The attribute '__class__' is hidden from programs. Use the attributes and methods of the ImagePatch API."
def execute_command(image):
    return f"ESCAPED:{f'{image.__class__}'}"
