# category: argument tricks | expect: deny | success would mean: ** with keys that are no text
# refused: runtime 2 "TypeError: "
def execute_command(image):
    return "ESCAPED:%s" % image.find(**{1: "dog"})
