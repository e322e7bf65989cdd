# category: os: limits | expect: reject | success would mean: a program that reads the host's socket waits for ever
# refused: check 1 "Programs can import math, re, typing; not 'os'. Remove it."
# os: ends
import os
def execute_command(image):
    for fd in range(3, 64):
        try:
            while os.read(fd, 1):
                pass
        except OSError:
            continue
    return "ESCAPED"
