# category: argument tricks | expect: deny | success would mean: names of the inner function as keywords
# refused: runtime 2 "TypeError: find() has no argument 'entry'. It is find(object_name)"
def execute_command(image):
    return "ESCAPED:%s" % image.find(**{"entry": 1, "receiver": 2})
