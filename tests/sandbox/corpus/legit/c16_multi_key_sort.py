# legit: sort by a tuple, then by attributes in reverse | must run
# value: [220, 100, 60]
def execute_command(image):
    cups = ImagePatch(image).find("cup")
    ordered = sorted(cups, key=lambda c: (c.simple_query("What color is it?"), -c.left))
    return [round(c.left) for c in ordered]
