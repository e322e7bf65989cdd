# category: resource | expect: deny | success would mean: a pattern nested until its compiler's stack ends
# refused: runtime 3 "RecursionError: maximum recursion depth exceeded"
import re
def execute_command(image):
    return "ESCAPED:%s" % re.compile("(" * 5000 + ")" * 5000)
