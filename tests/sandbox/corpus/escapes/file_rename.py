# category: os: files | expect: reject | success would mean: a file is moved away
# refused: check 1 "Programs can import math, re, typing; not 'os'. Remove it."
# os: escapes
import os
def execute_command(image):
    os.rename("@CANARY_DIR@/secret", "@CANARY_DIR@/escape_canary")
    return "ESCAPED"
