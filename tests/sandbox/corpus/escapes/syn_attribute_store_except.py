# category: syntax | expect: reject | success would mean: an import stores under a dotted name
# refused: syntax 2 ""
def execute_command(image):
    import math as image.find
    return "ESCAPED"
