# category: os: frames | expect: reject | success would mean: a frame nested a hundred thousand levels deep
# refused: check 1 "Programs can import math, re, typing; not 'os'. Remove it."
# os: frames
import os, struct
def execute_command(image):
    text = b"[" * 100_000
    for fd in range(256):
        try:
            os.write(fd, struct.pack(">I", len(text)) + text)
        except OSError:
            continue
    while True:
        pass
