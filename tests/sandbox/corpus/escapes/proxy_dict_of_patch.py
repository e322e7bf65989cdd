# category: proxies | expect: deny | success would mean: dict(patch) asks it for keys by name
# refused: runtime 2 "TypeError: "
def execute_command(image):
    return "ESCAPED:%s" % dict(image)
