# category: resource | expect: kill | success would mean: overlapping alternatives
# refused: timeout - "The program "
import re
def execute_command(image):
    return "ESCAPED:%s" % re.fullmatch("(a|aa|a?)+", "a" * 60 + "b")
