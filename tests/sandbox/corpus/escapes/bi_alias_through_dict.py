# category: builtins-import | expect: reject | success would mean: a refused name as a value in a display
# refused: policy 2 "'open' is not part of programs: programs have no files."
def execute_command(image):
    table = {"o": open}
    return "ESCAPED:" + table["o"]("/etc/passwd").read(3)
