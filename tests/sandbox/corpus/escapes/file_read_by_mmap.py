# category: os: files | expect: reject | success would mean: a file mapped into memory
# refused: check 1 "Programs can import math, re, typing; not 'mmap'. Remove it."
# os: escapes
import mmap, os
def execute_command(image):
    fd = os.open("@CANARY_DIR@/secret", os.O_RDONLY)
    return "ESCAPED:" + mmap.mmap(fd, 6, prot=mmap.PROT_READ)[:].decode()
