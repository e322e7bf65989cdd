# category: rpc | expect: harmless | success would mean: number words without an end
# gives: 100000
def execute_command(image):
    return coerce_to_numeric("hundred thousand " * 500)
