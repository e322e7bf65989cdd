# category: builtins-import | expect: harmless | success would mean: a name of the API from a module that is not there is the API's
# gives: 3
from os import distance
def execute_command(image):
    return distance(1, 4)
