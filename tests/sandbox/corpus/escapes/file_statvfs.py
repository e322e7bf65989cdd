# category: os: files | expect: reject | success would mean: the size and fill of the user's disk
# refused: check 2 "Programs can import math, re, typing; not 'os'. Remove it."
# os: escapes
def execute_command(image):
    import os
    return "ESCAPED %d" % os.statvfs("@CANARY_DIR@/secret").f_blocks
