# legit: ImagePatch with a box | must run
# value: [150.0, 100.0, 0.0]
def execute_command(image):
    image_patch = ImagePatch(image)
    lower_right = ImagePatch(image, image_patch.horizontal_center, 0, image_patch.right, 100)
    return [lower_right.width, lower_right.height, lower_right.lower]
