# category: resource | expect: deny | success would mean: formatting a large number in an f-string
# refused: runtime 2 "ValueError: "
def execute_command(image):
    return f"ESCAPED:{7 ** 100_000}"
