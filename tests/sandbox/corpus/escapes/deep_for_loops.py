# category: deep nesting | expect: reject | success would mean: more than twenty nested loops
# refused: syntax * ""
def execute_command(image):
@INDENT(25, "for i in [1]:")@
    return 1
