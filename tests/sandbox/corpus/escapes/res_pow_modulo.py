# category: resource | expect: kill | success would mean: modular power with an exponent of a million bits
# refused: timeout - "The program "
def execute_command(image):
    return "ESCAPED:%d" % pow(3, 1 << 200_000, (1 << 200_000) + 1)
