# category: resource | expect: kill | success would mean: MemoryError swallowed in a loop keeps worker pinned
# refused: timeout - "The program "
def execute_command(image):
    keep = []
    while True:
        try:
            keep.append("y" * (1 << 24))
        except MemoryError:
            pass
