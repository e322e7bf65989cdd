# legit: continue, pass and a flag | must run
# value: 'yes'
def execute_command(image):
    found = False
    for p in ImagePatch(image).find("cup"):
        if p.left < 100:
            continue
        elif p.left > 1000:
            pass
        else:
            found = True
            break
    return "yes" if found else "no"
