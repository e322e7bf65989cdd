# category: builtins-import | expect: reject | success would mean: a debugger
# refused: policy 2 "Programs cannot use 'breakpoint': use print(...)."
def execute_command(image):
    breakpoint()
    return "ESCAPED"
