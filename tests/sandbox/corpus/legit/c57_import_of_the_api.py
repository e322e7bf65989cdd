# legit: the API imported from a module that is not there | must run
# value: 90.0
from image_patch import ImagePatch, distance
def execute_command(image):
    a, b = ImagePatch(image).find("dog")
    return distance(a, b)
