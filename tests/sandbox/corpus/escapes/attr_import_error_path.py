# category: attr-walk | expect: deny | success would mean: the path of the file that an ImportError carries
# refused: check 5 "There is no attribute 'path' in programs. Did you mean 'match' or 'update'?"
def execute_command(image):
    try:
        raise ImportError("x")
    except ImportError as error:
        return "ESCAPED:" + repr(error.path)
