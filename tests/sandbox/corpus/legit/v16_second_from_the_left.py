# legit: chained conditions on a sorted list | must run
# value: 'blue'
def execute_command(image) -> str:
    image_patch = ImagePatch(image)
    cups = sorted(image_patch.find("cup"), key=lambda x: x.left)
    if len(cups) >= 2:
        return cups[1].best_text_match(["gold", "blue", "white"])
    elif len(cups) == 1:
        return "only one"
    else:
        return "none"
