# category: resource | expect: kill | success would mean: a text doubled until memory ends
# refused: memory 4 "MemoryError: the program needs more memory than it may use"
# os: memory
def execute_command(image):
    s = "x"
    while True:
        s += s
