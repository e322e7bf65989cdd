# category: syntax | expect: reject | success would mean: star import fills the namespace with guard names
# refused: policy 1 "'import *' is not part of programs. Name what you import."
# os: escapes
from os import *
def execute_command(image):
    return "ESCAPED:" + getcwd()
