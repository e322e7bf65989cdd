# category: deep nesting | expect: reject | success would mean: conditional expressions in conditional expressions
# refused: syntax * ""
def execute_command(image):
    return @REPEAT(4000, "1 if image else ")@2
