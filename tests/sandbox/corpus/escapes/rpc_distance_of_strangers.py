# category: rpc | expect: deny | success would mean: geometry with things that are no patches
# refused: runtime 2 "TypeError: distance() needs two patches or two numbers, got ImagePatch and int"
def execute_command(image):
    return "ESCAPED:%s" % distance(image, 3)
