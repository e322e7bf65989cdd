# category: resource | expect: kill | success would mean: math.lcm of many numbers grows without bound
# refused: timeout - "The program "
import math
def execute_command(image):
    return "ESCAPED:%d" % (math.lcm(*range(1, 300_000)) % 7)
