# legit: sort in place by an attribute and take the second | must run
# value: 'hat'
def execute_command(image):
    image_patch = ImagePatch(image)
    person_patches = image_patch.find("person")
    person_patches.sort(key=lambda person: person.horizontal_center)
    person_patch = person_patches[1]
    return person_patch.simple_query("What is the person wearing?")
