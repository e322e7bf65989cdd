# category: resource | expect: reject | success would mean: Ellipsis is no value of the wire
# refused: runtime - "execute_command returned a ellipsis; return a string, bool, number, ImagePatch or list of these"
def execute_command(image):
    return ...
