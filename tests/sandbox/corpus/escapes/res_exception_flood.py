# category: resource | expect: bounded | success would mean: exception with a 100 MB message
# refused: memory 2 "MemoryError: the program needs more memory than it may use"
def execute_command(image):
    raise ValueError("E" * (100 * 1024 * 1024))
