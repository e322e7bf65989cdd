# legit: sets of answers | must run
# value: [['blue', 'red'], ['blue', 'green', 'red'], ['green'], True]
def execute_command(image):
    p = ImagePatch(image)
    cups = {c.simple_query("What color is it?") for c in p.find("cup")}
    cars = {c.simple_query("What color is it?") for c in p.find("car")}
    return [sorted(cups & cars), sorted(cups | cars), sorted(cups ^ cars), "red" in cups]
