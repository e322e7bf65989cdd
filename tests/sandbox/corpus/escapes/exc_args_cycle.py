# category: exceptions | expect: deny | success would mean: an exception whose arguments hold itself
# refused: runtime 5 "ValueError: "
def execute_command(image):
    items = []
    error = ValueError(items)
    items.append(error)
    raise error
