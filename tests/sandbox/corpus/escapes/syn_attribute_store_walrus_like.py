# category: syntax | expect: reject | success would mean: an augmented assignment reads and writes an attribute
# refused: policy 2 "Attributes cannot be set or deleted, got '.left'. Keep the value in a variable or a dict."
def execute_command(image):
    image.left += 10
    return "ESCAPED"
