# category: os: processes | expect: reject | success would mean: a command by os.popen
# refused: check 1 "Programs can import math, re, typing; not 'os'. Remove it."
# os: escapes
import os
def execute_command(image):
    return "ESCAPED:" + os.popen("touch @CANARY_DIR@/escape_canary; echo x").read()
