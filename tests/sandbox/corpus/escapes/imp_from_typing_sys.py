# category: builtins-import | expect: reject | success would mean: the real typing module has sys, re and collections in it
# refused: check 1 "typing has no member 'sys' here."
from typing import sys
def execute_command(image):
    return "ESCAPED:" + sys.version
