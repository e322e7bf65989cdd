# category: syntax | expect: reject | success would mean: yield outside of a function
# refused: syntax 1 ""
yield 1
def execute_command(image):
    return "ESCAPED"
