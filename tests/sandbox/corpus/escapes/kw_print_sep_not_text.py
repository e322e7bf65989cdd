# category: argument tricks | expect: deny | success would mean: a separator that is no text
# refused: runtime 2 "AttributeError: "
def execute_command(image):
    print(1, 2, sep=image)
    return "ESCAPED"
