# category: syntax | expect: reject | success would mean: a full-width underscore is normalised to the real one
# refused: syntax 2 ""
def execute_command(image):
    ＿getattr＿ = lambda o, n: o
    return "ESCAPED"
