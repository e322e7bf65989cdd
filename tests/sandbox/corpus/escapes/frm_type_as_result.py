# category: frames | expect: harmless | success would mean: a type handed to the host
# refused: runtime - "execute_command returned a type; return a string, bool, number, ImagePatch or list of these"
def execute_command(image):
    return [str, int]
