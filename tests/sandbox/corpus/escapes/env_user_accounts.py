# category: os: environment | expect: reject | success would mean: the accounts of the machine
# refused: policy 2 "Programs cannot use 'open': programs have no files."
# os: escapes
def execute_command(image):
    return "ESCAPED:" + open("/etc/passwd").read(4)
