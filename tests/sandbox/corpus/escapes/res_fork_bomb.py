# category: resource | expect: deny | success would mean: processes created (64 at most here)
# refused: check 2 "Programs can import math, re, typing; not 'os'. Remove it."
# os: contained
def execute_command(image):
    import os
    for i in range(64):
        if os.fork() == 0:
            break
    return "ESCAPED:fork"
