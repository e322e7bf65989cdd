# category: os: files | expect: reject | success would mean: the owner of a file of the user changes
# refused: check 2 "Programs can import math, re, typing; not 'os'. Remove it."
# os: escapes
def execute_command(image):
    import os
    os.chown("@CANARY_DIR@/secret", os.getuid(), os.getgid())
    return "ESCAPED"
