# category: format | expect: deny | success would mean: str.format fetched from the type
# refused: runtime 2 "AttributeError: type 'str' has no attribute 'format' here."
def execute_command(image):
    f = str.format
    return "ESCAPED:" + f("{0.__dict__}", image)
