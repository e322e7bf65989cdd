# legit: min with distance as its key | must run
# value: ('patch', 220.0, 112.0, 240.0, 130.0)
def execute_command(image) -> ImagePatch:
    image_patch = ImagePatch(image)
    table = image_patch.find("table")[0]
    cups = image_patch.find("cup")
    return min(cups, key=lambda cup: distance(cup, table))
