# category: deep nesting | expect: reject | success would mean: an unknown name of a hundred thousand letters
# refused: check 2 "Unknown name 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
def execute_command(image):
    return @REPEAT(100000, "a")@
