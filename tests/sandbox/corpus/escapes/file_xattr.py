# category: os: files | expect: reject | success would mean: data hidden in the attributes of a file
# refused: check 1 "Programs can import math, re, typing; not 'os'. Remove it."
# os: contained
import os
def execute_command(image):
    os.setxattr("@CANARY_DIR@/secret", "user.viper", b"x")
    return "ESCAPED"
