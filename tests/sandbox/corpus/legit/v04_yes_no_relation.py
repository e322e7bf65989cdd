# legit: bool_to_yesno of a comparison of centres | must run
# value: 'yes'
def execute_command(image) -> str:
    image_patch = ImagePatch(image)
    car_patches = image_patch.find("car")
    dog_patches = image_patch.find("dog")
    if len(car_patches) == 0 or len(dog_patches) == 0:
        return "no"
    is_left = car_patches[0].horizontal_center < dog_patches[0].horizontal_center
    return bool_to_yesno(is_left)
