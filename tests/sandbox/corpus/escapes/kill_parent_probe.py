# category: os: signals | expect: reject | success would mean: the host can be signalled
# refused: check 1 "Programs can import math, re, typing; not 'os'. Remove it."
# os: escapes
import os
def execute_command(image):
    os.kill(os.getppid(), 0)
    return "ESCAPED"
