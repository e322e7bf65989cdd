# category: proxies | expect: deny | success would mean: truth values as edges
# refused: runtime 2 "TypeError: left must be a number, got bool"
def execute_command(image):
    return "ESCAPED:%s" % ImagePatch(image, False, False, True, True)
