# category: modules | expect: bounded | success would mean: the flag DEBUG as a plain number prints to a closed stream
# gives: 'printed'
import re
def execute_command(image):
    re.compile("a", 128)
    return "printed"
