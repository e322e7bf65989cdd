# legit: any/all/sum generator expressions | must run
# value: [True, True, 3]
def execute_command(image):
    ip = ImagePatch(image)
    ps = ip.find("person")
    return [any(p.exists("hat") for p in ps), all(p.width > 0 for p in ps), sum(1 for p in ps if p.exists("hat"))]
