# category: exceptions | expect: deny | success would mean: a patch as the argument of an exception
# refused: runtime 2 "KeyError: "
def execute_command(image):
    raise KeyError(image)
