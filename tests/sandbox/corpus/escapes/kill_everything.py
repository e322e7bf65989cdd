# category: os: signals | expect: reject | success would mean: kill(-1) signals every process there is
# refused: check 1 "Programs can import math, re, typing; not 'os'. Remove it."
# os: contained
import os, signal
def execute_command(image):
    os.kill(-1, 0)
    return "ESCAPED"
