# category: format | expect: kill | success would mean: f-string width spec allocates gigabytes
# refused: memory 3 "MemoryError: the program needs more memory than it may use"
def execute_command(image):
    w = 4 * 10 ** 9
    return len(f"{1:{w}}")
