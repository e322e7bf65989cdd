# category: attr-walk | expect: reject | success would mean: a helper may be called _so, a hidden attribute may not
# refused: policy 2 "The attribute '_session' is hidden from programs. Use the attributes and methods of the ImagePatch API."
def _helper(x):
    return x._session
def execute_command(image):
    return "ESCAPED:" + repr(_helper(image))
