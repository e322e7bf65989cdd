# category: attr-walk | expect: reject | success would mean: the globals of an own function hold the guards
# refused: policy 3 "The attribute '__globals__' is hidden from programs. Use the attributes and methods of the ImagePatch API."
def execute_command(image):
    f = lambda: 0
    return "ESCAPED:" + repr(f.__globals__)
