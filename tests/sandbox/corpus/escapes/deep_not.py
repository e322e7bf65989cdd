# category: deep nesting | expect: reject | success would mean: not not not …
# refused: syntax * ""
def execute_command(image):
    return @REPEAT(8000, "not ")@image
