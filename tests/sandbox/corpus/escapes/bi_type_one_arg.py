# category: builtins-import | expect: reject | success would mean: type(x) hands out any class
# refused: policy 2 "'type' is not part of programs: use isinstance(x, str)."
def execute_command(image):
    return "ESCAPED:" + repr(type(image)(image))
