# category: os: processes | expect: reject | success would mean: a program in anonymous memory is executed
# refused: check 1 "Programs can import math, re, typing; not 'os'. Remove it."
# os: escapes
import os
def execute_command(image):
    fd = os.memfd_create("x", 0)
    os.write(fd, b"#!/bin/sh\ntouch @CANARY_DIR@/escape_canary\n")
    for number in range(256):  # the host must not see its socket close, or it ends the session
        try:
            os.set_inheritable(number, True)
        except OSError:
            continue
    os.execve(fd, ["x"], {})
