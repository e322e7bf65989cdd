# category: os: limits | expect: reject | success would mean: CPU time without bound
# refused: check 2 "Programs can import math, re, typing; not 'resource'. Remove it."
# os: escapes
def execute_command(image):
    import resource
    resource.prlimit(0, resource.RLIMIT_CPU, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    return "ESCAPED"
