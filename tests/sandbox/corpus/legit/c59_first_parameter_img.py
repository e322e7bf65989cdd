# legit: the image under another name | must run
# value: 1.5
def execute_command(img):
    patch = ImagePatch(img)
    return patch.width / patch.height
