# category: argument tricks | expect: deny | success would mean: one argument twice, by position and by name
# refused: runtime 2 "TypeError: find() got two values for 'object_name'"
def execute_command(image):
    return "ESCAPED:%s" % image.find("dog", **{"object_name": "cat"})
