# category: os: frames | expect: reject | success would mean: a frame of noise
# refused: check 1 "Programs can import math, re, typing; not 'os'. Remove it."
# os: frames
import os
def execute_command(image):
    for fd in range(256):
        try:
            os.write(fd, b"\x00\x00\x00\x04\xff\xfe\x00\x01")
        except OSError:
            continue
    while True:
        pass
