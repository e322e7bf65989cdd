# legit: choose between options with a prefix | must run
# value: 'old'
def execute_command(image) -> str:
    image_patch = ImagePatch(image)
    cars = image_patch.find("car")
    return cars[-1].best_text_match(["old", "new"], prefix="a car that is")
