# category: deep nesting | expect: reject | success would mean: a long sum nests to the left
# refused: syntax * ""
def execute_command(image):
    return 0@REPEAT(12000, "+1")@
