# category: builtins-import | expect: reject | success would mean: the namespaces of the program and what is around it
# refused: policy 2 "'globals' is not part of programs: use a dict of your own."
def execute_command(image):
    return "ESCAPED:" + repr(vars(image)) + repr(globals()) + repr(locals())
