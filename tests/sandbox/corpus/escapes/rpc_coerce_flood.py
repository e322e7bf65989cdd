# category: rpc | expect: harmless | success would mean: a number read out of a megabyte of text
# gives: 1
def execute_command(image):
    return coerce_to_numeric("one " + "x" * 1_000_000)
