# category: builtins-import | expect: reject | success would mean: what no except Exception catches
# refused: policy 2 "'BaseException' is not part of programs: catch Exception."
def execute_command(image):
    raise BaseException("ESCAPED")
