# category: os: memory | expect: reject | success would mean: machine code in executable memory
# refused: check 1 "Programs can import math, re, typing; not 'mmap'. Remove it."
# os: escapes
import mmap
def execute_command(image):
    mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    return "ESCAPED"
