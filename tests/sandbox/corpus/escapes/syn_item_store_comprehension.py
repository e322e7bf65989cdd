# category: syntax | expect: reject | success would mean: a comprehension stores into an item
# refused: policy 3 "A loop variable must be a plain name. Assign the item in the loop."
def execute_command(image):
    d = {}
    [0 for d["x"] in [1]]
    return "ESCAPED:" + repr(d)
