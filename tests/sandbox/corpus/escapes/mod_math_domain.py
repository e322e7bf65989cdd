# category: modules | expect: deny | success would mean: the C library's errors become exceptions
# refused: runtime 3 "ValueError: "
import math
def execute_command(image):
    return "ESCAPED:%s" % (math.sqrt(-1), math.exp(10 ** 6))
