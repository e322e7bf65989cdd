# legit: guard clauses with comments | must run
# value: 'yes'
def execute_command(image):
    # Step 1: find all people in the image
    image_patch = ImagePatch(image)
    people = image_patch.find("person")

    # Step 2: if there is nobody, the answer is no
    if not people:
        return "no"

    # Step 3: check each of them for a hat
    for person in people:
        if person.verify_property("person", "hatted"):
            return "yes"

    return "no"
