# category: os: files | expect: reject | success would mean: another working folder for relative names
# refused: check 1 "Programs can import math, re, typing; not 'os'. Remove it."
# os: escapes
import os
def execute_command(image):
    os.chdir("@CANARY_DIR@")
    return "ESCAPED"
