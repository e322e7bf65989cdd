# category: builtins-import | expect: reject | success would mean: groups nest exceptions, and their methods call back
# refused: policy 2 "'ExceptionGroup' is not part of programs: catch Exception."
def execute_command(image):
    raise ExceptionGroup("x", [ValueError(1)])
