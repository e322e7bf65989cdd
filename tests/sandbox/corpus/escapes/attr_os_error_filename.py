# category: attr-walk | expect: deny | success would mean: the file name that an OSError carries
# refused: check 5 "There is no attribute 'filename' in programs. Use a method of str, list, dict or set, or of the ImagePatch API"
def execute_command(image):
    try:
        raise OSError(2, "x", "/etc/passwd")
    except OSError as error:
        return "ESCAPED:" + repr(error.filename)
