# legit: sorted with lambda key, negative index | must run
# value: 'hat'
def execute_command(image) -> str:
    image_patch = ImagePatch(image)
    people = sorted(image_patch.find("person"), key=lambda p: p.horizontal_center)
    return people[-1].simple_query("What is this person wearing?")
