# category: resource | expect: kill | success would mean: the in operator over an endless iterator
# refused: timeout - "The program "
def execute_command(image):
    return "ESCAPED:%s" % (1 in iter(int, 1))
