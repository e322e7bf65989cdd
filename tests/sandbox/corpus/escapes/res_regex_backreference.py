# category: resource | expect: kill | success would mean: backreferences multiply the work
# refused: timeout - "The program "
import re
def execute_command(image):
    return "ESCAPED:%s" % re.search(r"(.*)(.*)(.*)(.*)(.*)\1\2\3\4\5z", "ab" * 300)
