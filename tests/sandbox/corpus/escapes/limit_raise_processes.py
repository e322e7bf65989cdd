# category: os: limits | expect: reject | success would mean: the limit of processes is lifted
# refused: check 1 "Programs can import math, re, typing; not 'resource'. Remove it."
# os: escapes
import resource
def execute_command(image):
    resource.setrlimit(resource.RLIMIT_NPROC, (1000, 1000))
    return "ESCAPED"
