# category: argument tricks | expect: deny | success would mean: ** with hidden names as keys
# refused: runtime 2 "TypeError: find() has no argument '__class__'. It is find(object_name)"
def execute_command(image):
    return "ESCAPED:%s" % image.find(**{"__class__": 1})
