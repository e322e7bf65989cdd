# category: frames | expect: deny | success would mean: f_locals, f_back, f_globals are names without an underscore
# refused: policy 2 "The attribute 'f_locals' is hidden from programs. Use the attributes and methods of the ImagePatch API."
def execute_command(image):
    return "ESCAPED:" + repr(image.f_locals)
