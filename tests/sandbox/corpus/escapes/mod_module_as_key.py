# category: modules | expect: harmless | success would mean: a frozen module as the key of a dict
# gives: 1
import math
def execute_command(image):
    return len({math: 1})
