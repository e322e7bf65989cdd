# category: resource | expect: reject | success would mean: a result that contains itself
# refused: runtime - "execute_command returned a value nested too deeply; return a string, bool, number, ImagePatch or list of these"
def execute_command(image):
    d = {}
    d["d"] = d
    return d
