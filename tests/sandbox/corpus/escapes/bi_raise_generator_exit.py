# category: builtins-import | expect: reject | success would mean: a BaseException nobody lists
# refused: policy 2 "Programs cannot use 'GeneratorExit': catch Exception."
def execute_command(image):
    raise GeneratorExit
