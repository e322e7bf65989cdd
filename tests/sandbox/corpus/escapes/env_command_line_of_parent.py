# category: os: environment | expect: reject | success would mean: the command line of the host through /proc
# refused: policy 3 "'open' is not part of programs: programs have no files."
# os: escapes
import os
def execute_command(image):
    return "ESCAPED:" + open("/proc/%d/cmdline" % os.getppid()).read(10)
