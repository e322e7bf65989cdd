# category: proxies | expect: deny | success would mean: operators on a patch
# refused: runtime 2 "TypeError: "
def execute_command(image):
    return "ESCAPED:%s" % (image + image)
