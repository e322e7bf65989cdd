# category: encoding | expect: harmless | success would mean: a lone surrogate cannot be encoded
# gives: '\\ud800'
def execute_command(image):
    return "@SURROGATE@"
