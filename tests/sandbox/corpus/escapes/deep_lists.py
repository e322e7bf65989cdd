# category: deep nesting | expect: reject | success would mean: brackets until the parser's stack ends
# refused: syntax * ""
def execute_command(image):
    return @REPEAT(3000, "[")@@REPEAT(3000, "]")@
