# category: attr-walk | expect: deny | success would mean: UnicodeError has an object, a start and an end
# refused: runtime 5 "AttributeError: 'UnicodeError' object has no attribute 'start' here."
def execute_command(image):
    try:
        raise UnicodeError("x")
    except UnicodeError as error:
        return "ESCAPED:" + repr(error.start)
