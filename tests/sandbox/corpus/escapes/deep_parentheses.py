# category: deep nesting | expect: reject | success would mean: nesting until the parser's stack ends
# refused: syntax * ""
def execute_command(image):
    return @REPEAT(3000, "(")@1@REPEAT(3000, ")")@
