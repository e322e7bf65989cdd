# category: frames | expect: deny | success would mean: send drives a generator that belongs to somebody else
# refused: check 7 "No object in a program has an attribute 'send'. Did you mean 'end' or 'extend' or 'endpos'?"
def execute_command(image):
    def g():
        got = yield 1
        yield got
    it = g()
    next(it)
    return "ESCAPED:" + repr(it.send(image))
