# legit: a compiled pattern with flags | must run
# value: ['Exit', 'Exit', '12']
import re

PATTERN = re.compile(r"exit|entrance", re.IGNORECASE)

def execute_command(image):
    text = ImagePatch(image).simple_query("read the text")
    return [m.group(0) for m in PATTERN.finditer(text)] + re.split(r"[ ,]+", text)[:2]
