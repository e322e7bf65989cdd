# category: resource | expect: kill | success would mean: a substitution that multiplies a text
# refused: memory 5 "MemoryError: the program needs more memory than it may use"
import re
def execute_command(image):
    t = "a" * 1000
    for i in range(10):
        t = re.sub("a", "a" * 100, t)
    return "ESCAPED:%d" % len(t)
