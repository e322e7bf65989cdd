# category: attr-walk | expect: deny | success would mean: notes are kept in a list of the exception
# refused: check 5 "There is no attribute 'add_note' in programs. Use a method of str, list, dict or set, or of the ImagePatch API"
def execute_command(image):
    try:
        1 / 0
    except ZeroDivisionError as error:
        error.add_note("x")
        return "ESCAPED:" + repr(error.args)
