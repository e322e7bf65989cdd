# category: timeout-evasion | expect: kill | success would mean: a generator that never finishes its clean-up
# refused: timeout - "The program "
def execute_command(image):
    def g():
        try:
            yield 1
        finally:
            while True:
                pass
    for x in g():
        break
    return "ESCAPED"
