# category: indirect-getattr | expect: deny | success would mean: operator.attrgetter walks dotted dunders in C
# refused: check 2 "Programs can import math, re, typing; not 'operator'. Write a lambda, as in key=lambda p: p.left."
def execute_command(image):
    import operator
    return "ESCAPED:" + repr(operator.attrgetter("__class__.__mro__")(image))
