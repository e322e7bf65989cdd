# category: proxies | expect: harmless | success would mean: a bound method is a value that can be called later
# gives: 2
def execute_command(image):
    look = image.find
    return len(look("dog"))
