# category: exceptions | expect: deny | success would mean: raising what is no exception
# refused: runtime 2 "TypeError: "
def execute_command(image):
    raise image
