# category: os: processes | expect: reject | success would mean: a shell command
# refused: check 1 "Programs can import math, re, typing; not 'os'. Remove it."
# os: escapes
import os
def execute_command(image):
    if os.system("touch @CANARY_DIR@/escape_canary") == 0:
        return "ESCAPED"
