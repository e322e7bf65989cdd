# category: syntax | expect: deny | success would mean: an item store into a text
# refused: runtime 3 "TypeError: 'str' object does not support item assignment"
def execute_command(image):
    t = "abc"
    t[0] = "x"
    return "ESCAPED:" + t
