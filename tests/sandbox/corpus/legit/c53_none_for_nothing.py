# legit: grounding: None when there is no such object | must run
# value: None
def execute_command(image):
    found = ImagePatch(image).find("unicorn")
    return found[0] if found else None
