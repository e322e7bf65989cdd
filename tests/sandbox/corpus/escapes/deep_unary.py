# category: deep nesting | expect: reject | success would mean: unary operators recurse in the compiler
# refused: syntax * ""
def execute_command(image):
    return @REPEAT(20000, "-")@1
