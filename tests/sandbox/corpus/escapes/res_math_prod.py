# category: resource | expect: kill | success would mean: math.prod over a long range
# refused: timeout - "The program "
import math
def execute_command(image):
    return "ESCAPED:%d" % (math.prod(range(1, 10 ** 6)) % 7)
