# category: os: memory | expect: reject | success would mean: POSIX shared memory is a file in /dev/shm
# refused: check 1 "Programs can import math, re, typing; not '_posixshmem'. Remove it."
# os: escapes
import _posixshmem, os
def execute_command(image):
    name = "/viper-test-@VICTIM_PID@"
    fd = _posixshmem.shm_open(name, os.O_CREAT | os.O_RDWR, mode=0o600)
    _posixshmem.shm_unlink(name)
    return "ESCAPED"
