# category: builtins-import | expect: deny | success would mean: the module that API names are imported from has nothing else
# refused: runtime 3 "AttributeError: 'function' object has no attribute 'system' here."
from os import distance
def execute_command(image):
    return "ESCAPED:" + repr(distance.system)
