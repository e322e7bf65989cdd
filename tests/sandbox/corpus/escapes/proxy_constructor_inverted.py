# category: proxies | expect: deny | success would mean: a box turned inside out
# refused: runtime 2 "ValueError: The box left=100, lower=100, right=10, upper=10 has no area inside ImagePatch(left=0, lower=0, rig"
def execute_command(image):
    return "ESCAPED:%s" % ImagePatch(image, 100, 100, 10, 10)
