# legit: starred and nested unpacking | must run
# value: [20.0, 60.0, 2]
def execute_command(image):
    first, *rest = sorted(ImagePatch(image).find("person"), key=lambda p: p.left)
    (a, b), c = (first.left, first.right), len(rest)
    return [a, b, c]
