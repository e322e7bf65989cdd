# category: argument tricks | expect: reject | success would mean: a key function that stores
# refused: policy 2 "'setattr' is not part of programs: patches cannot be changed; keep the value in a variable or a dict."
def execute_command(image):
    return "ESCAPED:%s" % sorted([1], key=setattr)
