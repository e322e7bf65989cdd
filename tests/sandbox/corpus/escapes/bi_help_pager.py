# category: builtins-import | expect: reject | success would mean: help starts a pager, a process
# refused: policy 2 "'help' is not part of programs: use print(...)."
def execute_command(image):
    help(str)
    return "ESCAPED"
