# category: os: signals | expect: reject | success would mean: the limits of another process change
# refused: check 2 "Programs can import math, re, typing; not 'resource'. Remove it."
# os: escapes
def execute_command(image):
    import resource
    resource.prlimit(@VICTIM_PID@, resource.RLIMIT_CORE, (0, 0))
    return "ESCAPED"
