# category: builtins-import | expect: reject | success would mean: a debugger
# refused: policy 2 "'breakpoint' is not part of programs: use print(...)."
def execute_command(image):
    breakpoint()
    return "ESCAPED"
