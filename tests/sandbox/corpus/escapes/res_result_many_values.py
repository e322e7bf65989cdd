# category: resource | expect: reject | success would mean: a result of a million small values
# refused: limit - "The result of execute_command cannot be used: More than 5,000 values at once."
def execute_command(image):
    return [0] * 1_000_000
