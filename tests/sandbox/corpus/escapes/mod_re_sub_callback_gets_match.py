# category: modules | expect: harmless | success would mean: the callback of sub gets a match object with a short list of members
# gives: 'aBc'
import re
def execute_command(image):
    return re.sub("(b)", lambda m: m.group(1).upper(), "abc")
