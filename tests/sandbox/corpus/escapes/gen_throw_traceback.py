# category: frames | expect: deny | success would mean: generator.throw hands a traceback object back
# refused: policy 10 "'getattr' is not part of programs: write the attribute directly, as in patch.left."
def execute_command(image):
    def g():
        try:
            yield 1
        except ValueError as e:
            yield e.with_traceback(None)
    it = g()
    next(it)
    e = it.throw(ValueError("x"))
    return "ESCAPED:" + repr(e.args) + repr(getattr(e, "__traceback__"))
