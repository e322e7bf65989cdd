# category: deep nesting | expect: reject | success would mean: more nodes than the cap, in statements that cost nothing each
# refused: limit 1 "The program has 60,006 syntax nodes; 50,000 are allowed."
def execute_command(image):
    return 1
@REPEAT(15000, "x=1\n")@
