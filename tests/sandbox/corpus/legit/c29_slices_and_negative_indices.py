# legit: slices with steps | must run
# value: [[220.0, 100.0, 60.0], 220.0, [60.0, 100.0], [100.0, 220.0], [60.0, 220.0]]
def execute_command(image):
    xs = [p.left for p in sorted(ImagePatch(image).find("cup"), key=lambda p: p.left)]
    return [xs[::-1], xs[-1], xs[:2], xs[1:], xs[::2]]
