# legit: division of counts, the style of the paper's figures | must run
# value: '1'
def execute_command(image):
    image_patch = ImagePatch(image)
    muffin_patches = image_patch.find("muffin")
    kid_patches = image_patch.find("person")
    return str(len(muffin_patches) // len(kid_patches))
