# legit: the largest first, top three | must run
# value: [40.0, 260.0]
def execute_command(image):
    people = ImagePatch(image).find("person")
    top = sorted(people, key=lambda p: p.height * p.width, reverse=True)[:2]
    return [p.horizontal_center for p in top]
