# category: attr-walk | expect: reject | success would mean: len.__self__ is the module builtins
# refused: policy 2 "The attribute '__self__' is hidden from programs. Use the attributes and methods of the ImagePatch API."
def execute_command(image):
    return "ESCAPED:" + repr(len.__self__)
