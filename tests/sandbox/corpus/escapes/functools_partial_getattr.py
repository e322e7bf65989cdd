# category: indirect-getattr | expect: deny | success would mean: functools import gives partial.func / reduce(getattr)
# refused: policy 3 "'getattr' is not part of programs: write the attribute directly, as in patch.left."
def execute_command(image):
    import functools
    return "ESCAPED:" + repr(functools.reduce(getattr, ["__class__", "__mro__"], image))
