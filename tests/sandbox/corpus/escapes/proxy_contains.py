# category: proxies | expect: deny | success would mean: the in operator on a patch
# refused: runtime 2 "TypeError: "
def execute_command(image):
    return "ESCAPED:%s" % ("dog" in image)
