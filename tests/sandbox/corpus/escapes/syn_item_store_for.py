# category: syntax | expect: reject | success would mean: a loop stores into an item behind the guard's back
# refused: policy 3 "A loop variable must be a plain name. Assign the item in the loop."
def execute_command(image):
    d = {}
    for d["x"] in [1]:
        pass
    return "ESCAPED:" + repr(d)
