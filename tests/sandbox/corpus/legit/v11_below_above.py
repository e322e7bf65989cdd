# legit: the y axis points up: lower means smaller | must run
# value: True
def execute_command(image):
    image_patch = ImagePatch(image)
    cats = image_patch.find("cat")
    dogs = image_patch.find("dog")
    return all(cat.vertical_center > dog.vertical_center for cat in cats for dog in dogs)
