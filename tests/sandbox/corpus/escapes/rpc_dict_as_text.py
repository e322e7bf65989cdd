# category: rpc | expect: deny | success would mean: a dict with a tag of the wire as an argument
# refused: runtime 2 "TypeError: simple_query() needs question as str, got dict"
def execute_command(image):
    return "ESCAPED:%s" % image.simple_query({"patch": [0, 0, 0, 1, 1, "x", 1]})
