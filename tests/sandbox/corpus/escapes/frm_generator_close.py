# category: frames | expect: deny | success would mean: close raises GeneratorExit inside
# refused: check 9 "There is no attribute 'close' in programs. Did you mean 'lower' or 'clear'?"
def execute_command(image):
    def g():
        try:
            yield 1
        except:
            pass
    it = g()
    next(it)
    return "ESCAPED:" + repr(it.close())
