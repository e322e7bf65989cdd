# category: os: memory | expect: reject | success would mean: anonymous maps are address space too
# refused: check 1 "Programs can import math, re, typing; not 'mmap'. Remove it."
# os: ends
import mmap
def execute_command(image):
    keep = [mmap.mmap(-1, 1 << 28) for i in range(64)]
    return "ESCAPED:%d" % len(keep)
