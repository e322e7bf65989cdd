# category: builtins-import | expect: deny | success would mean: object()/super() reach type internals
# refused: policy 2 "Programs cannot use 'object': use None or an empty dict."
def execute_command(image):
    return "ESCAPED:" + repr(object) + repr(super)
