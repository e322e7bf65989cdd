# category: proxies | expect: deny | success would mean: patches have no order of their own
# refused: runtime 2 "TypeError: "
def execute_command(image):
    return "ESCAPED:%s" % sorted(image.find("dog"))
