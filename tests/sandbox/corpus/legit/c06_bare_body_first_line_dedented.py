# legit: a completion whose first line lost its indentation | must run
# value: 3
image_patch = ImagePatch(image)
    people = image_patch.find("person")
    return len(people)
