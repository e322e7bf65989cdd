# category: resource | expect: kill | success would mean: a sort key that never returns
# refused: timeout - "The program "
def execute_command(image):
    def key(x):
        while True:
            pass
    return "ESCAPED:%s" % sorted([1, 2], key=key)
