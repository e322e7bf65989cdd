# legit: raise and catch an own error | must run
# value: 'NO UNICORN'
def first(patches, name):
    if not patches:
        raise ValueError(f"no {name}")
    return patches[0]

def execute_command(image):
    p = ImagePatch(image)
    try:
        first(p.find("unicorn"), "unicorn")
    except ValueError as error:
        message = str(error)
    assert message == "no unicorn", message
    return message.upper()
