# category: builtins-import | expect: deny | success would mean: object()/super() reach type internals
# refused: policy 2 "'object' is not part of programs: use None or an empty dict."
def execute_command(image):
    return "ESCAPED:" + repr(object) + repr(super)
