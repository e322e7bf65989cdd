# category: rpc | expect: harmless | success would mean: a call in a generator that is dropped
# gives: 'dropped'
def execute_command(image):
    g = (p.simple_query("?") for p in image.find("dog"))
    next(g)
    return "dropped"
