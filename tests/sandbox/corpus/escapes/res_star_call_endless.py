# category: resource | expect: kill | success would mean: star arguments from an endless iterator
# refused: memory 2 "MemoryError: the program needs more memory than it may use"
def execute_command(image):
    return "ESCAPED:%s" % max(*iter(int, 1))
