# category: proxies | expect: deny | success would mean: a box outside of the image
# refused: runtime 2 "ValueError: The box left=10000, lower=10000, right=20000, upper=20000 has no area inside ImagePatch(left=0, lo"
def execute_command(image):
    return "ESCAPED:%s" % ImagePatch(image, 10_000, 10_000, 20_000, 20_000)
