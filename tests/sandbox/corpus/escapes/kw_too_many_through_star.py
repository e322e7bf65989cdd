# category: argument tricks | expect: deny | success would mean: more arguments than the contract has
# refused: runtime 2 "TypeError: find() takes at most 1 argument but 10000 were given: find(object_name)"
def execute_command(image):
    return "ESCAPED:%s" % image.find(*["dog"] * 10_000)
