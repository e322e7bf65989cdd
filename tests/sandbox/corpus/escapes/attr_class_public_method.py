# category: attr-walk | expect: deny | success would mean: the plain function behind a method, unbound
# refused: runtime 2 "AttributeError: type 'ImagePatch' has no attribute 'crop' here."
def execute_command(image):
    crop = ImagePatch.crop
    return "ESCAPED:" + repr(crop)
