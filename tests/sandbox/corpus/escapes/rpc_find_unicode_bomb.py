# category: rpc | expect: bounded | success would mean: a name of one character that grows when it is normalised
# gives: 3
def execute_command(image):
    return len(image.find("\ufdfa" * 50_000))
