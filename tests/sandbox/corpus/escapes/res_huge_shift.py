# category: resource | expect: kill | success would mean: 1 << 10**11 allocates gigabytes
# refused: memory 2 "MemoryError: the program needs more memory than it may use"
# os: memory
def execute_command(image):
    return "ESCAPED:%d" % ((1 << 10 ** 11) % 3)
