# category: builtins-import | expect: reject | success would mean: a BaseException nobody lists
# refused: policy 2 "'GeneratorExit' is not part of programs: catch Exception."
def execute_command(image):
    raise GeneratorExit
