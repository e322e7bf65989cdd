# category: os: memory | expect: reject | success would mean: anonymous files are not counted by the limit of files
# refused: check 1 "Programs can import math, re, typing; not 'os'. Remove it."
# os: escapes
import os
def execute_command(image):
    fd = os.memfd_create("x")
    return "ESCAPED:%d" % os.write(fd, b"x" * 4096)
