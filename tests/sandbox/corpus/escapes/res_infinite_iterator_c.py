# category: resource | expect: kill | success would mean: all()/list() over infinite iterator stays in C
# refused: timeout - "The program "
def execute_command(image):
    def forever():
        while True:
            yield 1
    return "ESCAPED:%s" % all(forever())
