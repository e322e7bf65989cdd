# category: os: signals | expect: reject | success would mean: F_SETOWN makes the kernel signal another process
# refused: check 1 "Programs can import math, re, typing; not 'fcntl'. Remove it."
# os: contained
import fcntl, os
def execute_command(image):
    r, w = os.pipe()
    fcntl.fcntl(r, fcntl.F_SETOWN, @VICTIM_PID@)
    fcntl.fcntl(r, fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK)
    os.write(w, b"x")
    return "ESCAPED"
