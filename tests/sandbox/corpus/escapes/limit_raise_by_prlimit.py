# category: os: limits | expect: reject | success would mean: prlimit changes the limits of any process
# refused: check 1 "Programs can import math, re, typing; not 'resource'. Remove it."
# os: escapes
import resource
def execute_command(image):
    resource.prlimit(@VICTIM_PID@, resource.RLIMIT_CORE, (0, 0))
    return "ESCAPED"
