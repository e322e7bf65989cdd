# category: attr-walk | expect: reject | success would mean: the class of patches gives its hidden functions
# refused: policy 2 "The attribute '_make' is hidden from programs."
def execute_command(image):
    return "ESCAPED:" + repr(ImagePatch._make)
