# category: resource | expect: kill | success would mean: math.comb of large numbers
# refused: timeout - "The program "
import math
def execute_command(image):
    return "ESCAPED:%d" % (math.comb(10 ** 7, 5 * 10 ** 6) % 7)
