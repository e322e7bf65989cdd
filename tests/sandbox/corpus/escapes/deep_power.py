# category: deep nesting | expect: reject | success would mean: a chain of powers nests to the right
# refused: syntax * ""
def execute_command(image):
    return 1@REPEAT(8000, "**1")@
