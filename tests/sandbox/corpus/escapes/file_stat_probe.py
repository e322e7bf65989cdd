# category: os: files | expect: reject | success would mean: asking whether a file exists
# refused: check 1 "Programs can import math, re, typing; not 'os'. Remove it."
# os: escapes
import os
def execute_command(image):
    return "ESCAPED:%d" % os.stat("@CANARY_DIR@/secret").st_size
