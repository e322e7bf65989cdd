# category: format | expect: reject | success would mean: the = of f-strings prints the expression and evaluates it
# refused: policy 2 "The attribute '__class__' is hidden from programs. Use the attributes and methods of the ImagePatch API."
def execute_command(image):
    return f"ESCAPED:{image.__class__=}"
