# category: proxies | expect: deny | success would mean: isinstance(x, patch) asks it for __instancecheck__ and __bases__
# refused: runtime 2 "TypeError: "
def execute_command(image):
    return "ESCAPED:%s" % isinstance(1, image)
