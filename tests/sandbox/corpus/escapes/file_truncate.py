# category: os: files | expect: reject | success would mean: a file of the user is emptied without being opened
# refused: check 2 "Programs can import math, re, typing; not 'os'. Remove it."
# os: escapes
def execute_command(image):
    import os
    os.truncate("@CANARY_DIR@/secret", 0)
    return "ESCAPED"
