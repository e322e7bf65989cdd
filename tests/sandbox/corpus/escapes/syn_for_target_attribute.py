# category: syntax | expect: deny | success would mean: loop target is an attribute or item store (`for image.x in`)
# refused: policy 2 "A loop variable must be a plain name. Assign the item in the loop."
def execute_command(image):
    for image.find in [lambda n: []]:
        pass
    return "ESCAPED:loop-store"
