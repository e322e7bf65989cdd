# category: resource | expect: kill | success would mean: a power tower whose result is gigabytes
# refused: timeout - "The program "
def execute_command(image):
    return "ESCAPED:%d" % ((10 ** 10 ** 10) % 7)
