# category: modules | expect: reject | success would mean: an attribute store into a frozen module
# refused: policy 3 "Attributes cannot be set or deleted, got '.pi'. Keep the value in a variable or a dict."
import math
def execute_command(image):
    math.pi = 4
    return "ESCAPED"
