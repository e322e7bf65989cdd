# category: rpc | expect: kill | success would mean: an endless iterator as the list of options
# refused: memory 2 "MemoryError: the program needs more memory than it may use"
def execute_command(image):
    return "ESCAPED:" + image.best_text_match(map(str, iter(int, 1)))
