# category: builtins-import | expect: deny | success would mean: writing into a shared allowed module for later runs
# refused: policy 3 "Attributes cannot be set or deleted, got '.sqrt'. Keep the value in a variable or a dict."
import math
def execute_command(image):
    math.sqrt = lambda x: -1
    return "ESCAPED:%s" % math.sqrt(4)
