# category: resource | expect: kill | success would mean: iter(callable, sentinel) endless C-level loop
# refused: timeout - "The program "
def execute_command(image):
    return "ESCAPED:%d" % max(iter(int, 1))
