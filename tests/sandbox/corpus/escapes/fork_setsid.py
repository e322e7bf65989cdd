# category: os: processes | expect: reject | success would mean: a new session
# refused: check 1 "Programs can import math, re, typing; not 'os'. Remove it."
# os: contained
import os
def execute_command(image):
    os.setsid()
    return "ESCAPED"
