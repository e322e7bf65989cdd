# category: rpc | expect: bounded | success would mean: much text to a model in many calls
# refused: limit 3 "The program sent more than 1,000,000 bytes of text to models."
def execute_command(image):
    for i in range(60):
        image.simple_query("x" * 50_000)
    return "ESCAPED"
