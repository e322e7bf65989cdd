# category: builtins-import | expect: reject | success would mean: dir lists hidden attributes
# refused: policy 2 "'dir' is not part of programs: use a dict of your own."
def execute_command(image):
    return "ESCAPED:" + repr(dir(image))
