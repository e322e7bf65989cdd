# category: os: frames | expect: reject | success would mean: a frame that announces four gigabytes
# refused: check 1 "Programs can import math, re, typing; not 'os'. Remove it."
# os: frames
import os
def execute_command(image):
    for fd in range(256):
        try:
            os.write(fd, b"\xff\xff\xff\xff" + b"x" * 100)
        except OSError:
            continue
    while True:
        pass
