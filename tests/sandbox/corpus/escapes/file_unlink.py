# category: os: files | expect: reject | success would mean: a file is deleted
# refused: check 1 "Programs can import math, re, typing; not 'os'. Remove it."
# os: escapes
import os
def execute_command(image):
    os.unlink("@CANARY_DIR@/secret")
    return "ESCAPED"
