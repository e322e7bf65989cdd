# category: format | expect: deny | success would mean: digits of another script with an attribute behind them
# refused: runtime 2 "ValueError: A field of format() must be a plain name or number, got '\u0660.__class__'. Use an f-string."
def execute_command(image):
    return "ESCAPED:" + "{٠.__class__}".format(image)
