# category: proxies | expect: deny | success would mean: calling a patch
# refused: runtime 2 "TypeError: "
def execute_command(image):
    return "ESCAPED:%s" % image("find", "dog")
