# category: encoding | expect: reject | success would mean: a continuation at the end of the text
# refused: syntax 2 ""
def execute_command(image):
    return "ESCAPED" \
