# category: os: limits | expect: reject | success would mean: the limit of memory is lifted
# refused: check 1 "Programs can import math, re, typing; not 'resource'. Remove it."
# os: escapes
import resource
def execute_command(image):
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    return "ESCAPED"
