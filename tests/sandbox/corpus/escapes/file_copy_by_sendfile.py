# category: os: files | expect: reject | success would mean: copying inside the kernel
# refused: check 1 "Programs can import math, re, typing; not 'os'. Remove it."
# os: escapes
import os
def execute_command(image):
    source = os.open("@CANARY_DIR@/secret", os.O_RDONLY)
    target = os.open("@CANARY_DIR@/escape_canary", os.O_WRONLY | os.O_CREAT)
    return "ESCAPED:%d" % os.sendfile(target, source, 0, 6)
