# category: builtins-import | expect: reject | success would mean: None, True and False cannot be bound
# refused: syntax 2 ""
def execute_command(image):
    True = 0
    return "ESCAPED"
