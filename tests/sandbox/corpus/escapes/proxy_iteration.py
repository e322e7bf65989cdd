# category: proxies | expect: deny | success would mean: iterating a patch
# refused: runtime 2 "TypeError: "
def execute_command(image):
    return "ESCAPED:%s" % list(image)
