# category: syntax | expect: deny | success would mean: full-width letters spell open/eval
# refused: policy 2 "'open' is not part of programs: programs have no files."
def execute_command(image):
    return "ESCAPED:" + ｏｐｅｎ("/etc/passwd").read(4)
