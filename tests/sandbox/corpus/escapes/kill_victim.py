# category: os: signals | expect: reject | success would mean: another process is killed
# refused: check 1 "Programs can import math, re, typing; not 'os'. Remove it."
# os: escapes
import os, time
def execute_command(image):
    os.kill(@VICTIM_PID@, 9)
    return "ESCAPED"
