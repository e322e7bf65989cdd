# category: syntax | expect: reject | success would mean: the old exec statement
# refused: syntax 2 ""
def execute_command(image):
    exec "x = 1"
    return "ESCAPED"
