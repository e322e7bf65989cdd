# category: frames | expect: harmless | success would mean: an exception with its traceback handed to the host
# refused: runtime - "execute_command returned a ZeroDivisionError; return a string, bool, number, ImagePatch or list of these"
def execute_command(image):
    try:
        1 / 0
    except ZeroDivisionError as error:
        return error
