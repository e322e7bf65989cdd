# category: attr-walk | expect: deny | success would mean: AttributeError.obj is the object whose attribute was hidden
# refused: check 3 "There is no attribute 'nothing' in programs. Did you mean 'string'?"
def execute_command(image):
    try:
        [image][0].nothing
    except AttributeError as error:
        return "ESCAPED:" + repr(error.obj)
