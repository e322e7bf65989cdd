# category: builtins-import | expect: reject | success would mean: a builtin that nobody lists is not there
# refused: policy 2 "Programs cannot use 'ascii': use repr(x)."
def execute_command(image):
    return "ESCAPED:" + ascii(image)
