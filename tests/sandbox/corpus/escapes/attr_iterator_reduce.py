# category: attr-walk | expect: reject | success would mean: iterator.__reduce__ returns the builtin iter and the list
# refused: policy 2 "The attribute '__reduce__' is hidden from programs. Use the attributes and methods of the ImagePatch API."
def execute_command(image):
    return "ESCAPED:" + repr(iter([1]).__reduce__())
