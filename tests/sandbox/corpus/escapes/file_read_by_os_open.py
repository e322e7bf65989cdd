# category: os: files | expect: reject | success would mean: the system call behind open
# refused: check 1 "Programs can import math, re, typing; not 'os'. Remove it."
# os: escapes
import os
def execute_command(image):
    fd = os.open("@CANARY_DIR@/secret", os.O_RDONLY)
    return "ESCAPED:" + os.read(fd, 100).decode()
