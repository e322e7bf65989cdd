# category: resource | expect: reject | success would mean: bytes are no value of the wire
# refused: runtime - "execute_command returned a bytes; return a string, bool, number, ImagePatch or list of these"
def execute_command(image):
    return b"ESCAPED"
