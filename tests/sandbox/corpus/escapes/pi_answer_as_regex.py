# category: prompt-injection | expect: kill | success would mean: an answer of a model used as a pattern
# refused: timeout - "The program "
import re
def execute_command(image):
    pattern = "(x+x+)+y"
    return "ESCAPED:%s" % re.match(pattern, "x" * 60)
