# category: builtins-import | expect: harmless | success would mean: a refused name that the program binds is the program's own
# gives: 'mine'
def execute_command(image):
    open = "mine"
    return open
