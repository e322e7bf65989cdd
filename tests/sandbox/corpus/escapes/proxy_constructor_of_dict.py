# category: proxies | expect: deny | success would mean: a dict that looks like a patch
# refused: runtime 2 "TypeError: ImagePatch() needs the image, got dict"
def execute_command(image):
    return "ESCAPED:%s" % ImagePatch({"handle": 1, "box": [0, 0, 1, 1]})
