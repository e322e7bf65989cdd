# legit: generator function, yield, next, iter | must run
# value: [0.0, 100.0, 200.0]
def execute_command(image):
    def lefts(ps):
        for p in ps:
            yield p.left
    it = lefts(ImagePatch(image).find("p"))
    first = next(it, None)
    return [first] + list(it)
