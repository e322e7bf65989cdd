# category: os-level | expect: reject | success would mean: memfd_create + fexecve bypasses file rules
# refused: check 1 "execute_command never returns a value. End it with 'return'."
# os: contained
def execute_command(image):
    import os
    fd = os.memfd_create("x", 0)
    os.write(fd, b"#!/bin/sh\ntouch @CANARY_DIR@/escape_canary\n")
    os.execve(fd, ["x"], {})
