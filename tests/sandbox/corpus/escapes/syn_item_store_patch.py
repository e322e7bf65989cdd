# category: syntax | expect: deny | success would mean: an item store into a patch
# refused: runtime 2 "TypeError: 'ImagePatch' object does not support item assignment"
def execute_command(image):
    image["left"] = 1
    return "ESCAPED"
