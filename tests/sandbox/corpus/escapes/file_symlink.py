# category: os: files | expect: reject | success would mean: a link that a later program of the user follows
# refused: check 1 "Programs can import math, re, typing; not 'os'. Remove it."
# os: escapes
import os
def execute_command(image):
    os.symlink("/etc", "@CANARY_DIR@/escape_canary")
    return "ESCAPED"
