# category: syntax | expect: reject | success would mean: the old backquotes
# refused: syntax 2 ""
def execute_command(image):
    return `image`
