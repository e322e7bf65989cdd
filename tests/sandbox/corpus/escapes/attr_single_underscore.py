# category: attr-walk | expect: reject | success would mean: private field of proxy read or written
# refused: policy 2 "Attributes cannot be set or deleted, got '._handle'. Keep the value in a variable or a dict."
def execute_command(image):
    image._handle = 0
    return "ESCAPED:" + str(image._handle)
