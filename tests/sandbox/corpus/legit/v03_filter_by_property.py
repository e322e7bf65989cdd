# legit: comprehension with verify_property and an empty fallback | must run
# value: 'thing'
def execute_command(image) -> str:
    image_patch = ImagePatch(image)
    cup_patches = image_patch.find("cup")
    red_cups = [cup for cup in cup_patches if cup.verify_property("cup", "red")]
    if len(red_cups) == 0:
        red_cups = [image_patch]
    return red_cups[0].simple_query("What is this?")
