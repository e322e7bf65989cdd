# legit: try/except around coerce_to_numeric | must run
# value: -1
def execute_command(image):
    image_patch = ImagePatch(image)
    answer = image_patch.simple_query("What is this?")
    try:
        return coerce_to_numeric(answer)
    except ValueError:
        return -1
