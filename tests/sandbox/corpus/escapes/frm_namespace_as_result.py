# category: frames | expect: harmless | success would mean: a frozen module handed to the host
# refused: runtime - "execute_command returned a module; return a string, bool, number, ImagePatch or list of these"
import math
def execute_command(image):
    return math
