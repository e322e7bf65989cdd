# legit: except with a name, and the message used | must run
# value: 'nothing found: list index out of range'
def execute_command(image):
    image_patch = ImagePatch(image)
    try:
        unicorn = image_patch.find("unicorn")[0]
    except (IndexError, AttributeError) as e:
        return f"nothing found: {e}"
    return unicorn.simple_query("What color?")
