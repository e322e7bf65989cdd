# category: resource | expect: kill | success would mean: a replacement function that never returns
# refused: timeout - "The program "
import re
def execute_command(image):
    def forever(match):
        while True:
            pass
    return "ESCAPED:" + re.sub("a", forever, "abc")
