# category: os: files | expect: reject | success would mean: the rights of a file are changed
# refused: check 1 "Programs can import math, re, typing; not 'os'. Remove it."
# os: escapes
import os
def execute_command(image):
    os.chmod("@CANARY_DIR@/secret", 0o777)
    return "ESCAPED"
