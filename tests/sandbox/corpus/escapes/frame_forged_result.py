# category: os: frames | expect: reject | success would mean: a result is sent by hand before the program returns
# refused: check 1 "Programs can import math, re, typing; not 'os'. Remove it."
# os: frames
import os, struct
def execute_command(image):
    text = b'["done","ESCAPED"]'
    for fd in range(256):
        try:
            os.write(fd, struct.pack(">I", len(text)) + text)
        except OSError:
            continue
    return "fine"
