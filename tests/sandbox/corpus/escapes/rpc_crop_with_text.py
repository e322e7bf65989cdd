# category: rpc | expect: deny | success would mean: an edge as a text
# refused: runtime 2 "TypeError: left must be a number, got str"
def execute_command(image):
    return "ESCAPED:%s" % image.crop("0", 0, 1, 1)
