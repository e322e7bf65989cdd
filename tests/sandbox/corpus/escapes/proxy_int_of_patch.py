# category: proxies | expect: deny | success would mean: conversions ask for __int__ and __index__
# refused: runtime 2 "TypeError: "
def execute_command(image):
    return "ESCAPED:%s" % int(image)
