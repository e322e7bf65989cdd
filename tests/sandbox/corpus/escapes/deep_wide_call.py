# category: deep nesting | expect: reject | success would mean: a call of sixty thousand arguments
# refused: limit 1 "The program has 60,008 syntax nodes; 50,000 are allowed."
def execute_command(image):
    return max(@REPEAT(60000, "1,")@)
