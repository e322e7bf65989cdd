# category: modules | expect: harmless | success would mean: the template of sub reads groups, never attributes
# gives: 'a<b>c'
import re
def execute_command(image):
    return re.sub("(?P<x>b)", r"<\g<x>>", "abc")
