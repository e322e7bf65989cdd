# category: frames | expect: harmless | success would mean: a function handed to the host
# refused: runtime - "execute_command returned a function; return a string, bool, number, ImagePatch or list of these"
def execute_command(image):
    return lambda: "ESCAPED"
