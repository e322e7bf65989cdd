# category: proxies | expect: deny | success would mean: a patch as an index asks for __index__
# refused: runtime 2 "TypeError: "
def execute_command(image):
    return "ESCAPED:%s" % [1, 2][image]
