# category: frames | expect: harmless | success would mean: a live generator handed to the host
# refused: runtime - "execute_command returned a generator; return a string, bool, number, ImagePatch or list of these"
def execute_command(image):
    return (x for x in [1, 2])
