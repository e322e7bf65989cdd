# category: os: processes | expect: reject | success would mean: another program in the place of this one
# refused: check 1 "Programs can import math, re, typing; not 'os'. Remove it."
# os: escapes
import os
def execute_command(image):
    for number in range(256):  # the host must not see its socket close, or it ends the session
        try:
            os.set_inheritable(number, True)
        except OSError:
            continue
    os.execv("/bin/sh", ["sh", "-c", "touch @CANARY_DIR@/escape_canary"])
