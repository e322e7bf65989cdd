# legit: a crop of the left half and a count in it | must run
# value: '2'
def execute_command(image) -> str:
    image_patch = ImagePatch(image)
    left_half = image_patch.crop(0, 0, image_patch.horizontal_center, image_patch.upper)
    return str(len(left_half.find("person")))
