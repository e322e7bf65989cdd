# category: resource | expect: kill | success would mean: math.perm of large numbers
# refused: timeout - "The program "
import math
def execute_command(image):
    return "ESCAPED:%d" % (math.perm(10 ** 6, 10 ** 6) % 7)
