# category: os: files | expect: reject | success would mean: the names of a file's extended attributes
# refused: check 2 "Programs can import math, re, typing; not 'os'. Remove it."
# os: escapes
def execute_command(image):
    import os
    return "ESCAPED %r" % os.listxattr("@CANARY_DIR@/secret")
