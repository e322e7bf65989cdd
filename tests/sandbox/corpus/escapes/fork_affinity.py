# category: os: processes | expect: reject | success would mean: the choice of processors
# refused: check 1 "Programs can import math, re, typing; not 'os'. Remove it."
# os: escapes
import os
def execute_command(image):
    os.sched_setaffinity(0, {0})
    return "ESCAPED"
