# category: os: files | expect: reject | success would mean: the times of a file are changed
# refused: check 1 "Programs can import math, re, typing; not 'os'. Remove it."
# os: escapes
import os
def execute_command(image):
    os.utime("@CANARY_DIR@/secret", (1, 1))
    return "ESCAPED"
