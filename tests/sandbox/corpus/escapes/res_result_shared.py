# category: resource | expect: reject | success would mean: a small value whose tree is exponential
# refused: limit - "The result of execute_command cannot be used: More than 5,000 values at once."
def execute_command(image):
    x = [0]
    for i in range(30):
        x = [x, x]
    return x
