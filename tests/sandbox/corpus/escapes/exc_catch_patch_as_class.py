# category: exceptions | expect: deny | success would mean: a patch in the place of an exception class
# refused: runtime 4 "TypeError: "
def execute_command(image):
    try:
        1 / 0
    except image:
        return "ESCAPED"
