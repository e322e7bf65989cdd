# category: argument tricks | expect: harmless | success would mean: int(text, base)
# gives: 255
def execute_command(image):
    return int("ff", 16)
