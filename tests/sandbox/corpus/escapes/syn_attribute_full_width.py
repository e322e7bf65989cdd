# category: syntax | expect: reject | success would mean: full-width letters in an attribute
# refused: syntax 2 ""
def execute_command(image):
    return "ESCAPED:" + repr(image.＿_class_＿)
