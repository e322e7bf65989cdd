# legit: a number out of an answer, compared | must run
# value: 'yes'
def execute_command(image):
    image_patch = ImagePatch(image)
    text = image_patch.simple_query("What number does the sign show?")
    return bool_to_yesno(coerce_to_numeric(text) > 10)
