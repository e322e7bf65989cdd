# category: exceptions | expect: harmless | success would mean: the class of an except clause is any expression
# gives: 'caught'
def execute_command(image):
    kinds = [ValueError, ZeroDivisionError]
    try:
        1 / 0
    except kinds[1]:
        return "caught"
