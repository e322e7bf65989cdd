# category: resource | expect: kill | success would mean: (a+)+ against a text that nearly matches
# refused: timeout - "The program "
# os: timeout
import re
def execute_command(image):
    return "ESCAPED:%s" % re.match("(a+)+$", "a" * 40 + "b")
