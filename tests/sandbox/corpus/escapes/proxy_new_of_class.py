# category: proxies | expect: reject | success would mean: __new__ without __init__ makes a patch without a box
# refused: policy 2 "The attribute '__new__' is hidden from programs. Use the attributes and methods of the ImagePatch API."
def execute_command(image):
    return "ESCAPED:%s" % ImagePatch.__new__(ImagePatch)
