# category: rpc | expect: harmless | success would mean: methods of many patches through a lambda
# gives: [True, True]
def execute_command(image):
    return list(map(lambda p: p.exists("hat"), image.find("dog")))
