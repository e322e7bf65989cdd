# category: format | expect: reject | success would mean: format(x, spec) is one more way to __format__
# refused: policy 2 "'format' is not part of programs: use an f-string, as in f'{x:.1f}'."
def execute_command(image):
    return "ESCAPED:" + format(image, "x")
