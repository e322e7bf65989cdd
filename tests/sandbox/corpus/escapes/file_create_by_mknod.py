# category: os: files | expect: reject | success would mean: a file made without opening one
# refused: check 1 "Programs can import math, re, typing; not 'os'. Remove it."
# os: escapes
import os
def execute_command(image):
    os.mknod("@CANARY_DIR@/escape_canary")
    return "ESCAPED"
