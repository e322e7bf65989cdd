# category: deep nesting | expect: reject | success would mean: a chain of calls
# refused: syntax * ""
def execute_command(image):
    return image@REPEAT(10000, "()")@
