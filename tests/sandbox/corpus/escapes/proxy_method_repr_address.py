# category: proxies | expect: harmless | success would mean: repr of a function shows an address of this throw-away process
# gives: '<function find'
def execute_command(image):
    return repr(image.find)[:14]
