# category: attr-walk | expect: deny | success would mean: a method that the table does not list
# refused: check 2 "There is no attribute 'hex' in programs. Use a method of str, list, dict or set, or of the ImagePatch API."
def execute_command(image):
    return "ESCAPED:" + (1.5).hex()
