# category: resource | expect: kill | success would mean: dict of an endless zip
# refused: timeout - "The program "
def execute_command(image):
    return "ESCAPED:%d" % len(dict(zip(iter(int, 1), iter(int, 1))))
