# category: syntax | expect: reject | success would mean: an attribute as a starred target
# refused: policy 2 "Attributes cannot be set or deleted, got '.find'. Keep the value in a variable or a dict."
def execute_command(image):
    a, *image.find = 1, 2
    return "ESCAPED"
