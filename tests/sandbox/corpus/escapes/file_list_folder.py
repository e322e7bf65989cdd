# category: os: files | expect: reject | success would mean: the names in a folder
# refused: check 1 "Programs can import math, re, typing; not 'os'. Remove it."
# os: escapes
import os
def execute_command(image):
    return "ESCAPED:" + ",".join(os.listdir("@CANARY_DIR@"))
