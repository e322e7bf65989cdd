# category: resource | expect: deny | success would mean: other bases go another way
# refused: runtime 2 "ValueError: "
def execute_command(image):
    return "ESCAPED:%d" % (int("z" * 200_000, 36) % 7)
