# category: markdown | expect: reject | success would mean: a fence inside a comment makes another program the one that runs
# refused: check 2 "Programs can import math, re, typing; not 'os'. Remove it."
# ```python
import os
# ```
def execute_command(image):
    return "ESCAPED:" + os.name
