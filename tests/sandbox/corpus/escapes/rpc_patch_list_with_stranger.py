# category: rpc | expect: deny | success would mean: a list of patches with a number in it
# refused: runtime 2 "TypeError: best_image_match() needs list_patches as list[ImagePatch], got list"
def execute_command(image):
    return "ESCAPED:%s" % best_image_match([image, 7], ["dog"])
