# category: resource | expect: reject | success would mean: a complex number is no value of the wire
# refused: runtime - "execute_command returned a complex; return a string, bool, number, ImagePatch or list of these"
def execute_command(image):
    return [1j]
