# category: attr-walk | expect: deny | success would mean: NameError.name and friends
# refused: check 5 "There is no attribute 'name' in programs. Use a method of str, list, dict or set, or of the ImagePatch API."
def execute_command(image):
    try:
        [][5]
    except IndexError as error:
        return "ESCAPED:" + repr(error.name)
