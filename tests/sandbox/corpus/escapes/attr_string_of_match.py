# category: attr-walk | expect: harmless | success would mean: match.string is the text that was searched and nothing else
# gives: 'abc'
import re
def execute_command(image):
    return re.match("a", "abc").string
