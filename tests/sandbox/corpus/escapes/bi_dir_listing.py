# category: builtins-import | expect: reject | success would mean: dir lists hidden attributes
# refused: policy 2 "Programs cannot use 'dir': use a dict of your own."
def execute_command(image):
    return "ESCAPED:" + repr(dir(image))
