# category: attr-walk | expect: deny | success would mean: a method of the class takes what is no patch
# refused: runtime 3 "TypeError: compute_depth() needs a patch first, got str"
def execute_command(image):
    depth = ImagePatch.compute_depth
    return "ESCAPED:" + repr(depth("image"))
