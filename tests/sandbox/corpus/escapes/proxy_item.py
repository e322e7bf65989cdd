# category: proxies | expect: deny | success would mean: items of a patch
# refused: runtime 2 "TypeError: "
def execute_command(image):
    return "ESCAPED:%s" % image[0]
