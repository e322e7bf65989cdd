# category: os: frames | expect: reject | success would mean: a frame whose bytes come one by one
# refused: check 1 "Programs can import math, re, typing; not 'os'. Remove it."
# os: frames
import os
def execute_command(image):
    while True:
        for fd in range(256):
            try:
                os.write(fd, b"\x00")
            except OSError:
                continue
