# category: syntax | expect: harmless | success would mean: two entries: the last one counts, as in Python
# gives: 'last'
def execute_command(image):
    return "first"
def execute_command(image):
    return "last"
