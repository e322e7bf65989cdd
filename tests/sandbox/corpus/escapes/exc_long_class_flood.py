# category: exceptions | expect: bounded | success would mean: a message of many lines is cut, not wrapped
# refused: runtime 2 "ValueError: "
def execute_command(image):
    raise ValueError("\n" * 5_000 + "end")
