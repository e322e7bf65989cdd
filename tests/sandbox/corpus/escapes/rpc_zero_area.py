# category: rpc | expect: bounded | success would mean: zero or inverted box crashes the model
# refused: runtime 2 "ValueError: The box left=5, lower=5, right=5, upper=5 has no area inside ImagePatch(left=0, lower=0, right=300"
def execute_command(image):
    p = image.crop(5, 5, 5, 5)
    return p.simple_query("what?")
