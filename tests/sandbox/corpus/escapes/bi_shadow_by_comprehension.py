# category: builtins-import | expect: reject | success would mean: comprehension targets do not bind outside
# refused: policy 3 "'eval' is not part of programs: programs cannot run text; use coerce_to_numeric(text) to read a number."
def execute_command(image):
    xs = [eval for eval in [1]]
    return "ESCAPED:" + repr(eval("1"))
