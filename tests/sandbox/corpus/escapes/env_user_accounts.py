# category: os: environment | expect: reject | success would mean: the accounts of the machine
# refused: policy 2 "'open' is not part of programs: programs have no files."
# os: escapes
def execute_command(image):
    return "ESCAPED:" + open("/etc/passwd").read(4)
