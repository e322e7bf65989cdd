# category: os: signals | expect: reject | success would mean: another process gets no processor
# refused: check 2 "Programs can import math, re, typing; not 'os'. Remove it."
# os: escapes
def execute_command(image):
    import os
    os.sched_setscheduler(@VICTIM_PID@, os.SCHED_IDLE, os.sched_param(0))
    return "ESCAPED"
