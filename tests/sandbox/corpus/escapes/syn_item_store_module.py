# category: syntax | expect: deny | success would mean: an item store into a frozen module
# refused: runtime 3 "TypeError: 'module' object does not support item assignment"
import math
def execute_command(image):
    math["pi"] = 3
    return "ESCAPED"
