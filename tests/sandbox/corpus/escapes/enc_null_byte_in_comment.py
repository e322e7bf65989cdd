# category: encoding | expect: reject | success would mean: a null byte hides what follows from a reader
# refused: syntax 1 ""
def execute_command(image):  # fine @NUL@
    return "ESCAPED:null"
