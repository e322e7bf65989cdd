# category: deep nesting | expect: reject | success would mean: functions in functions
# refused: syntax * ""
def execute_command(image):
@INDENT(120, "def f():")@
    return 1
