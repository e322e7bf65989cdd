# legit: nonlocal counter in nested def | must run
# value: 3
def execute_command(image):
    hits = 0
    def check(p):
        nonlocal hits
        if p.exists("hat"):
            hits += 1
    for p in ImagePatch(image).find("person"):
        check(p)
    return hits
