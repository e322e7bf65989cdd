# category: rpc | expect: bounded | success would mean: megabytes of text to a model in one call
# refused: limit 2 "The program sent more than 1,000,000 bytes of text to models."
def execute_command(image):
    image.simple_query("x" * 3_000_000)
    return "ESCAPED"
