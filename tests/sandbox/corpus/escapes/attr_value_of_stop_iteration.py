# category: attr-walk | expect: deny | success would mean: StopIteration.value carries what a generator returned
# refused: check 8 "There is no attribute 'value' in programs. Did you mean 'values'?"
def execute_command(image):
    def g():
        return image
        yield
    try:
        next(g())
    except StopIteration as stop:
        return "ESCAPED:" + repr(stop.value)
