# category: modules | expect: deny | success would mean: a patch given to a C function
# refused: runtime 3 "TypeError: "
import math
def execute_command(image):
    return "ESCAPED:%s" % math.sqrt(image)
