# legit: generator expressions, any, next with a default | must run
# value: [True, True, 110.0]
def execute_command(image):
    people = ImagePatch(image).find("person")
    wide = (p for p in people if p.width > 35)
    first = next(wide, None)
    return [first is not None, any(p.left > 200 for p in people), sum(p.width for p in people)]
