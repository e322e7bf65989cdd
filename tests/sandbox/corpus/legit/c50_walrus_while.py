# legit: walrus in a while and in a comprehension | must run
# value: [380.0, [4, 9]]
def execute_command(image):
    todo = [p.left for p in ImagePatch(image).find("person")]
    total = 0
    while todo and (x := todo.pop()):
        total += x
    return [total, [y for v in (1, 2, 3) if (y := v * v) > 3]]
