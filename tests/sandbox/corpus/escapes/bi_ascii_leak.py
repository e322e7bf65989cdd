# category: builtins-import | expect: reject | success would mean: a builtin that nobody lists is not there
# refused: policy 2 "'ascii' is not part of programs: use repr(x)."
def execute_command(image):
    return "ESCAPED:" + ascii(image)
