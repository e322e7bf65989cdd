# category: resource | expect: kill | success would mean: list(range(10**12)) / sum in C that ignores Python signal handlers
# refused: timeout - "The program "
def execute_command(image):
    return "ESCAPED:%d" % sum(range(10 ** 12))
