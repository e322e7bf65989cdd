# category: builtins-import | expect: reject | success would mean: a refused name bound by a module-level assignment
# refused: policy 1 "'getattr' is not part of programs: write the attribute directly, as in patch.left."
grab = getattr
def execute_command(image):
    return "ESCAPED:" + repr(grab(image, "__class__"))
