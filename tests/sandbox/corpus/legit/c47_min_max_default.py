# legit: default for empty sequences | must run
# value: (0, ('patch', 0.0, 90.0, 90.0, 160.0))
def execute_command(image):
    p = ImagePatch(image)
    none = max((u.width for u in p.find("unicorn")), default=0)
    return none, min(p.find("car"), key=lambda c: c.width, default=None)
