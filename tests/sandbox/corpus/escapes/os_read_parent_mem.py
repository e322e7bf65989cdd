# category: os-level | expect: reject | success would mean: parent memory through /proc/PPID/mem or ptrace
# refused: policy 3 "'open' is not part of programs: programs have no files."
# os: escapes
def execute_command(image):
    import os
    return "ESCAPED:" + repr(open("/proc/%d/maps" % os.getppid()).read(20))
