# category: attr-walk | expect: reject | success would mean: the bound print leads to the printer object and its module
# refused: policy 2 "The attribute '__self__' is hidden from programs. Use the attributes and methods of the ImagePatch API."
def execute_command(image):
    return "ESCAPED:" + repr(print.__self__)
