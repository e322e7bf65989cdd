# legit: a long chain in parentheses | must run
# value: 'Red'
def execute_command(image):
    return (
        ImagePatch(image)
        .find("person")[0]
        .crop(0, 0, 300, 120)
        .simple_query("What color is it?")
        .capitalize()
    )
