# category: frames | expect: deny | success would mean: code object via gi_code
# refused: policy 2 "The attribute 'gi_code' is hidden from programs. Use the attributes and methods of the ImagePatch API."
def execute_command(image):
    return "ESCAPED:" + repr((x for x in []).gi_code.co_consts)
