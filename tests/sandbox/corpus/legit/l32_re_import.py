# legit: import re with a simple pattern | must run
# value: 12
import re
def execute_command(image):
    t = ImagePatch(image).simple_query("read the number")
    m = re.findall(r"[0-9]+", t)
    return int(m[0]) if m else 0
