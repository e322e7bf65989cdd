# legit: a while loop with break and else | must run
# value: 1
def execute_command(image):
    people = ImagePatch(image).find("person")
    i = 0
    while i < len(people):
        if people[i].left > 100:
            break
        i += 1
    else:
        return "none"
    return i
