# category: deep nesting | expect: reject | success would mean: a number of ten thousand digits in the source
# refused: syntax * ""
def execute_command(image):
    return @REPEAT(10000, "9")@
