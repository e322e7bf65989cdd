# category: encoding | expect: reject | success would mean: a null byte ends a C string early
# refused: syntax 1 ""
def execute_command(image):
    return "a" @NUL@ + "ESCAPED"
