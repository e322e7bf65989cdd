# category: rpc | expect: deny | success would mean: bytes as a name
# refused: runtime 2 "TypeError: find() needs object_name as str, got bytes"
def execute_command(image):
    return "ESCAPED:%s" % image.find(b"dog")
