# category: resource | expect: kill | success would mean: no memory limit (grows to at most ~4 GB here)
# refused: memory 4 "MemoryError: the program needs more memory than it may use"
# os: memory
def execute_command(image):
    keep = []
    for i in range(4096):
        keep.append("x" * (1 << 20) + str(i))
    return "ESCAPED:%d MB" % len(keep)
