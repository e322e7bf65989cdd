# category: builtins-import | expect: reject | success would mean: the async builtins
# refused: policy 2 "'aiter' is not part of programs: use iter."
def execute_command(image):
    return "ESCAPED:" + repr(aiter(image)) + repr(anext(image))
