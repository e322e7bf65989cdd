# legit: a regular expression with groups | must run
# value: 'Exit/13'
import re

def execute_command(image):
    text = ImagePatch(image).simple_query("What does the sign read?")
    match = re.search(r"(?P<word>[A-Za-z]+)\s+(\d+)", text)
    if match:
        return f"{match.group('word')}/{int(match.group(2)) + 1}"
    return "no match"
