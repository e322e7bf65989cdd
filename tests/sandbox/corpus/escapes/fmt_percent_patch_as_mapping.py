# category: format | expect: deny | success would mean: a patch in the place of the mapping is no mapping
# refused: runtime 2 "TypeError: "
def execute_command(image):
    return "ESCAPED:" + "%(left)s" % image
