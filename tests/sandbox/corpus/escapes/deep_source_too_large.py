# category: deep nesting | expect: reject | success would mean: a source beyond the cap of bytes
# refused: limit - "The program has 200,044 bytes; 200,000 are allowed."
def execute_command(image):
    return 1
# @REPEAT(200000, "x")@
