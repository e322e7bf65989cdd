# category: os: files | expect: reject | success would mean: a file is emptied without opening it
# refused: check 1 "Programs can import math, re, typing; not 'os'. Remove it."
# os: escapes
import os
def execute_command(image):
    os.truncate("@CANARY_DIR@/secret", 0)
    return "ESCAPED"
