# category: attr-walk | expect: harmless | success would mean: the plain function behind a method, unbound
# gives: 7.0
def execute_command(image):
    crop = ImagePatch.crop
    return crop(image, 0, 0, right=7, upper=5).width
