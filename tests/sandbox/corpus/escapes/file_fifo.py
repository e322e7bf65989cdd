# category: os: files | expect: reject | success would mean: a pipe in a folder of the user
# refused: check 2 "Programs can import math, re, typing; not 'os'. Remove it."
# os: escapes
def execute_command(image):
    import os
    os.mkfifo("@CANARY_DIR@/fifo")
    return "ESCAPED"
