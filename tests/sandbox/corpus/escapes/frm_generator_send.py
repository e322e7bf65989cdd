# category: frames | expect: deny | success would mean: send drives a generator that belongs to somebody else
# refused: check 7 "There is no attribute 'send' in programs. Did you mean 'end' or 'extend' or 'endpos'?"
def execute_command(image):
    def g():
        got = yield 1
        yield got
    it = g()
    next(it)
    return "ESCAPED:" + repr(it.send(image))
