# category: proxies | expect: deny | success would mean: isinstance with a tuple nested very deep
# refused: runtime 5 "RecursionError: maximum recursion depth exceeded"
def execute_command(image):
    kinds = int
    for i in range(100_000):
        kinds = (kinds,)
    return "ESCAPED:%s" % isinstance("x", kinds)
