# category: os: processes | expect: reject | success would mean: a real-time priority starves the machine
# refused: check 1 "Programs can import math, re, typing; not 'os'. Remove it."
# os: escapes
import os
def execute_command(image):
    os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    return "ESCAPED"
