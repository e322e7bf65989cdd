# category: rpc | expect: deny | success would mean: an argument nested very deep
# refused: runtime 5 "TypeError: verify_property() needs attribute as str, got list"
def execute_command(image):
    x = []
    for i in range(50_000):
        x = [x]
    return "ESCAPED:%s" % image.verify_property("dog", x)
