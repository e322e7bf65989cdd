# category: argument tricks | expect: deny | success would mean: hidden fields as keywords of the constructor
# refused: runtime 2 "TypeError: "
def execute_command(image):
    return "ESCAPED:%s" % ImagePatch(image, **{"_session": 1})
