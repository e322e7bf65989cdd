# category: attr-walk | expect: reject | success would mean: the factory that makes patches of any handle
# refused: policy 2 "The attribute '_make' is hidden from programs. Use the attributes and methods of the ImagePatch API."
def execute_command(image):
    return "ESCAPED:" + repr(ImagePatch._make)
