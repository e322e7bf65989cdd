# category: proxies | expect: deny | success would mean: the length of a patch
# refused: runtime 2 "TypeError: "
def execute_command(image):
    return "ESCAPED:%d" % len(image)
