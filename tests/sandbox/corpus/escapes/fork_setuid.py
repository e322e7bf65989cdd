# category: os: processes | expect: reject | success would mean: another user
# refused: check 1 "Programs can import math, re, typing; not 'os'. Remove it."
# os: contained
import os
def execute_command(image):
    os.setresuid(0, 0, 0)
    os.setresgid(0, 0, 0)
    return "ESCAPED"
