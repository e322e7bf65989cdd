# legit: del of names and items, in and not in | must run
# value: [True, True, True]
def execute_command(image):
    d = {p.category: p.left for p in ImagePatch(image).find("cat")}
    d["dog"] = 1.0
    temporary = d.pop("cat")
    del d["dog"], temporary
    return [d == {}, "dog" not in d, 3 in range(5)]
