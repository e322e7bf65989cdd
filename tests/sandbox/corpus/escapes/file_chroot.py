# category: os: files | expect: reject | success would mean: another root folder
# refused: check 1 "Programs can import math, re, typing; not 'os'. Remove it."
# os: escapes
import os
def execute_command(image):
    os.chroot("@CANARY_DIR@")
    return "ESCAPED"
