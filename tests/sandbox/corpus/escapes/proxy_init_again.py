# category: proxies | expect: reject | success would mean: __init__ called again changes a patch
# refused: policy 2 "The attribute '__init__' is hidden from programs. Use the attributes and methods of the ImagePatch API."
def execute_command(image):
    image.__init__(image, 0, 0, 1, 1)
    return "ESCAPED:%s" % image
