# legit: grouping patches in lists by an answer | must run
# value: {'blue': 1, 'green': 1, 'red': 1}
def execute_command(image):
    groups = {}
    for p in ImagePatch(image).find("cup"):
        groups.setdefault(p.simple_query("What color is it?"), []).append(p)
    return {color: len(ps) for color, ps in sorted(groups.items())}
