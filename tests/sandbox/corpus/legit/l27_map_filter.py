# legit: map/filter/reversed/list/tuple/round/abs | must run
# value: (100.0, 100.0, 100.0)
def execute_command(image):
    ps = ImagePatch(image).find("p")
    xs = list(map(lambda p: abs(p.left - p.right), filter(lambda p: p.width > 1, ps)))
    return tuple(reversed([round(x, 1) for x in xs]))
