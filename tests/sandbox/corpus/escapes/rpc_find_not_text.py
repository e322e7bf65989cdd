# category: rpc | expect: deny | success would mean: a number as a name
# refused: runtime 2 "TypeError: find() needs object_name as str, got int"
def execute_command(image):
    return "ESCAPED:%s" % image.find(5)
