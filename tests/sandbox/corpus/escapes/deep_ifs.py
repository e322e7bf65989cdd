# category: deep nesting | expect: reject | success would mean: one hundred levels of indentation
# refused: syntax * ""
def execute_command(image):
@INDENT(101, "if image:")@
    return "ESCAPED"
