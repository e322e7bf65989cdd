# category: os: files | expect: reject | success would mean: a file of the user is read
# refused: policy 2 "'open' is not part of programs: programs have no files."
# os: escapes
def execute_command(image):
    return "ESCAPED:" + open("@CANARY_DIR@/secret").read()
