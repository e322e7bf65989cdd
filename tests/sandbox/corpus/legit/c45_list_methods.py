# legit: append, extend, insert, pop, index, count, reverse, copy | must run
# value: [['cat', 'dog', 'dog', 'ant'], 'cow', 1, 2, ['dog', 'dog']]
def execute_command(image):
    xs = [p.category for p in ImagePatch(image).find("dog")]
    ys = xs.copy()
    ys.extend(["cat", "cow"])
    ys.insert(0, "ant")
    last = ys.pop()
    ys.reverse()
    return [ys, last, ys.index("dog"), ys.count("dog"), xs]
