# category: os: processes | expect: reject | success would mean: posix_spawn forks inside the C library
# refused: check 1 "Programs can import math, re, typing; not 'os'. Remove it."
# os: escapes
import os
def execute_command(image):
    pid = os.posix_spawn("/bin/sh", ["sh", "-c", "touch @CANARY_DIR@/escape_canary"], {})
    os.waitpid(pid, 0)
    return "ESCAPED"
