# legit: patches compared, in sets and as keys | must run
# value: [True, 3, [0, 1, 2], False, True]
def execute_command(image):
    p = ImagePatch(image)
    cups, again = p.find("cup"), p.find("cup")
    order = {c: i for i, c in enumerate(cups)}
    return [cups == again, len(set(cups + again)), [order[c] for c in again], p in cups, p == image]
