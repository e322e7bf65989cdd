# legit: a nested function that sees outer names | must run
# value: 2
def execute_command(image):
    image_patch = ImagePatch(image)
    middle = image_patch.horizontal_center

    def is_left(patch):
        return patch.horizontal_center < middle

    return sum(is_left(p) for p in image_patch.find("person"))
