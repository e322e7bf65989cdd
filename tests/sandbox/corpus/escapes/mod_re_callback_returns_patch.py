# category: modules | expect: deny | success would mean: a callback that returns something else than text
# refused: runtime 3 "TypeError: "
import re
def execute_command(image):
    return "ESCAPED:" + re.sub("b", lambda m: image, "abc")
