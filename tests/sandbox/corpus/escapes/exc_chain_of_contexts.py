# category: exceptions | expect: deny | success would mean: a chain of ten thousand contexts
# refused: runtime 5 "ValueError: "
def execute_command(image):
    error = None
    for i in range(10_000):
        try:
            raise ValueError(i) from error
        except ValueError as e:
            error = e
    raise error
