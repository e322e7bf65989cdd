# category: exceptions | expect: deny | success would mean: a lone surrogate breaks the first log that prints the message
# refused: runtime 2 "ValueError: "
def execute_command(image):
    raise ValueError("\ud800 broken")
