# category: resource | expect: deny | success would mean: a repetition beyond the engine's counter
# refused: runtime 3 "OverflowError: "
import re
def execute_command(image):
    return "ESCAPED:%s" % re.match("a{4294967296}", "a")
