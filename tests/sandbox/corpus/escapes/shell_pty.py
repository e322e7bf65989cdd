# category: os: processes | expect: reject | success would mean: a terminal of its own
# refused: check 1 "Programs can import math, re, typing; not 'os'. Remove it."
# os: escapes
import os
def execute_command(image):
    return "ESCAPED:%s" % (os.openpty(),)
