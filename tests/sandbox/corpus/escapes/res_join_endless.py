# category: resource | expect: kill | success would mean: join over an endless generator
# refused: memory 2 "MemoryError: the program needs more memory than it may use"
def execute_command(image):
    return "ESCAPED:" + "".join("x" for i in iter(int, 1))
