# legit: re.error with its message | must run
# value: 'missing )'
import re

def execute_command(image):
    try:
        re.compile("(")
    except re.error as e:
        return e.args[0].split(",")[0]
