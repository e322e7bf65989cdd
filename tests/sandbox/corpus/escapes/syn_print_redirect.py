# category: syntax | expect: deny | success would mean: the old print >>file makes a tuple and shifts by a function
# refused: runtime 2 "TypeError: "
def execute_command(image):
    print >>image, "ESCAPED"
    return "ESCAPED"
