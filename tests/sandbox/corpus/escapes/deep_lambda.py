# category: deep nesting | expect: reject | success would mean: lambdas in lambdas
# refused: syntax * ""
def execute_command(image):
    return @REPEAT(2000, "lambda: ")@1
