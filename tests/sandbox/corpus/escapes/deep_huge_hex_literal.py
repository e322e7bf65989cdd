# category: deep nesting | expect: harmless | success would mean: hexadecimal digits have no such limit; too large for the wire
# gives: 3
def execute_command(image):
    return 0x@REPEAT(50000, "f")@ % 7
