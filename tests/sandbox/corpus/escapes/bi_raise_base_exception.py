# category: builtins-import | expect: reject | success would mean: what no except Exception catches
# refused: policy 2 "Programs cannot use 'BaseException': catch Exception."
def execute_command(image):
    raise BaseException("ESCAPED")
