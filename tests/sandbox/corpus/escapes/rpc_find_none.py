# category: rpc | expect: deny | success would mean: None as a name
# refused: runtime 2 "TypeError: find() needs object_name as str, got NoneType"
def execute_command(image):
    return "ESCAPED:%s" % image.find(None)
