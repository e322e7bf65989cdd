# category: syntax | expect: reject | success would mean: a body of nothing
# refused: check 1 "execute_command never returns a value. End it with 'return'."
def execute_command(image):
    ...
