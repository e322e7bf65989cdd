# legit: min by depth | must run
# value: ('patch', 240.0, 50.0, 280.0, 190.0)
def execute_command(image) -> ImagePatch:
    image_patch = ImagePatch(image)
    people = image_patch.find("person")
    people.sort(key=lambda person: person.compute_depth())
    return people[0]
