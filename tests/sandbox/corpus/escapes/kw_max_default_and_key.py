# category: argument tricks | expect: harmless | success would mean: keyword arguments of builtins are Python's own
# gives: 'nothing'
def execute_command(image):
    return max([], default="nothing")
