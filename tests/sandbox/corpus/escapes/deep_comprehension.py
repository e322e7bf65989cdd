# category: deep nesting | expect: reject | success would mean: comprehensions in comprehensions
# refused: syntax * ""
def execute_command(image):
    return @REPEAT(300, "[")@0@REPEAT(300, " for x in [1]]")@
