# legit: the patch that fits words best | must run
# value: ('patch', 20.0, 40.0, 60.0, 180.0)
def execute_command(image):
    image_patch = ImagePatch(image)
    people = image_patch.find("person")
    return best_image_match(people, ["a man with a red shirt"])
