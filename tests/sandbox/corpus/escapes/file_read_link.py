# category: os: files | expect: reject | success would mean: where a link of /proc points to
# refused: check 1 "Programs can import math, re, typing; not 'os'. Remove it."
# os: escapes
import os
def execute_command(image):
    return "ESCAPED:" + os.readlink("/proc/self/exe")
