# category: os-level | expect: reject | success would mean: inherited descriptors (logs, sockets, model files) usable
# refused: check 2 "Programs can import math, re, typing; not 'os'. Remove it."
# os: contained
def execute_command(image):
    import os
    return "ESCAPED:" + repr([fd for fd in range(4, 64) if os.fstat(fd)])
