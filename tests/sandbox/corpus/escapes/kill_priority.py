# category: os: signals | expect: reject | success would mean: the priority of another process
# refused: check 1 "Programs can import math, re, typing; not 'os'. Remove it."
# os: escapes
import os
def execute_command(image):
    os.setpriority(os.PRIO_PROCESS, @VICTIM_PID@, 10)
    return "ESCAPED"
