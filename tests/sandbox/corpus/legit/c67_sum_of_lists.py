# legit: lists joined, flattened, multiplied | must run
# value: [['dog', 'dog', 'cat'], ['dog', 'dog', 'cat'], ['x', 'x'], ['dog', 'cat']]
def execute_command(image):
    p = ImagePatch(image)
    nested = [[a.category for a in p.find(n)] for n in ("dog", "cat")]
    flat = [name for names in nested for name in names]
    return [sum(nested, []), flat, ["x"] * 2, list(dict.fromkeys(flat))]
