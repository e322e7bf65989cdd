# category: resource | expect: reject | success would mean: a result nested deeper than the wire allows
# refused: runtime - "execute_command returned a value nested too deeply; return a string, bool, number, ImagePatch or list of these"
def execute_command(image):
    x = []
    for i in range(100):
        x = [x]
    return x
