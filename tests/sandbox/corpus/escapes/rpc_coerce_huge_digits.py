# category: rpc | expect: deny | success would mean: a number of a million digits in a text
# refused: runtime 2 "ValueError: "
def execute_command(image):
    return "ESCAPED:%s" % coerce_to_numeric("9" * 1_000_000)
