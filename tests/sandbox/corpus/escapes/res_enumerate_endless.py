# category: resource | expect: kill | success would mean: a loop in C that allocates nothing
# refused: timeout - "The program "
def execute_command(image):
    for i, x in enumerate(iter(int, 1)):
        pass
    return "ESCAPED"
