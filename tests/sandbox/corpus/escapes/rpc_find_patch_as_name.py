# category: rpc | expect: deny | success would mean: a patch as a name
# refused: runtime 2 "TypeError: find() needs object_name as str, got ImagePatch"
def execute_command(image):
    return "ESCAPED:%s" % image.find(image)
