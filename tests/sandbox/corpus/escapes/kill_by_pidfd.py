# category: os: signals | expect: reject | success would mean: a process by its descriptor instead of its number
# refused: check 1 "Programs can import math, re, typing; not 'os'. Remove it."
# os: escapes
import os, signal
def execute_command(image):
    fd = os.pidfd_open(@VICTIM_PID@)
    signal.pidfd_send_signal(fd, 9)
    return "ESCAPED"
