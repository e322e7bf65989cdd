# category: exceptions | expect: deny | success would mean: arguments nested until repr runs out of stack
# refused: runtime 5 "ValueError: (the message cannot be shown)"
def execute_command(image):
    items = []
    for i in range(100_000):
        items = [items]
    raise ValueError(items)
