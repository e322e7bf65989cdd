# category: indirect-getattr | expect: deny | success would mean: getattr builtin bypasses the AST check
# refused: policy 2 "'getattr' is not part of programs: write the attribute directly, as in patch.left."
def execute_command(image):
    return "ESCAPED:" + repr(getattr(image, "__class__"))
