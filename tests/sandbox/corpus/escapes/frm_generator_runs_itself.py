# category: frames | expect: deny | success would mean: a generator that advances itself
# refused: runtime 3 "ValueError: "
def execute_command(image):
    def g():
        yield next(me)
    me = g()
    return "ESCAPED:%s" % next(me)
