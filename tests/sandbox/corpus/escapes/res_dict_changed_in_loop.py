# category: resource | expect: deny | success would mean: a dict changed while it is iterated
# refused: runtime 3 "RuntimeError: "
def execute_command(image):
    d = {1: 1}
    for k in d:
        d[k + 1] = 1
    return "ESCAPED:%s" % d
