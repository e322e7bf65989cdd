# category: resource | expect: deny | success would mean: recursion through re.sub
# refused: runtime 4 "RecursionError: maximum recursion depth exceeded"
import re
def execute_command(image):
    def f(match):
        return re.sub("a", f, "a")
    return "ESCAPED:" + re.sub("a", f, "a")
