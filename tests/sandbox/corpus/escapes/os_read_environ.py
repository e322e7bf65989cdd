# category: os-level | expect: reject | success would mean: API keys in environment / /proc/self/environ
# refused: policy 3 "'open' is not part of programs: programs have no files."
# os: escapes
def execute_command(image):
    import os
    return "ESCAPED:" + repr(dict(os.environ))[:20] + open("/proc/self/environ").read(4)
