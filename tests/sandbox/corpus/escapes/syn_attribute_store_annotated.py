# category: syntax | expect: reject | success would mean: an annotated attribute is a store
# refused: policy 2 "Attributes cannot be set or deleted, got '.left'. Keep the value in a variable or a dict."
def execute_command(image):
    image.left: float = 0.0
    return "ESCAPED"
