# category: resource | expect: kill | success would mean: math.factorial of a million stays in C
# refused: timeout - "The program "
import math
def execute_command(image):
    return "ESCAPED:%d" % (math.factorial(3_000_000) % 7)
