# category: deep nesting | expect: reject | success would mean: a long elif chain nests to the right
# refused: syntax * ""
def execute_command(image):
    if image.width < 0:
        return 0
@REPEAT(3000, "    elif image.width < 0:\n        return 1\n")@
    return 2
