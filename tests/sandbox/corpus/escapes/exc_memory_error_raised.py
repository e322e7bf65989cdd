# category: exceptions | expect: deny | success would mean: MemoryError raised by hand looks like the limit
# refused: memory 2 "MemoryError: the program needs more memory than it may use"
def execute_command(image):
    raise MemoryError("ESCAPE")
