# category: modules | expect: harmless | success would mean: re.error is an exception class like any other
# gives: 'missing ), unterminated subpattern at position 0'
import re
def execute_command(image):
    try:
        re.compile("(")
    except re.error as error:
        return str(error)
