# legit: a global counter changed by a helper | must run
# value: [1, 3]
checked = 0

def check(p):
    global checked
    checked += 1
    return p.verify_property("cup", "red")

def execute_command(image):
    reds = [p for p in ImagePatch(image).find("cup") if check(p)]
    return [len(reds), checked]
