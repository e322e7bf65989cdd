# category: exceptions | expect: deny | success would mean: raising a class whose constructor fails
# refused: runtime 2 "UnicodeError"
def execute_command(image):
    raise UnicodeError
