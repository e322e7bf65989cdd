# category: attr-walk | expect: reject | success would mean: the resolver of attributes called by hand
# refused: policy 2 "The attribute '_program_attribute_' is hidden from programs. Use the attributes and methods of the ImagePatch "
def execute_command(image):
    return "ESCAPED:" + repr(image._program_attribute_("_session"))
