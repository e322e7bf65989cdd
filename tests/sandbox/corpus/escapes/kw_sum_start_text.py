# category: argument tricks | expect: deny | success would mean: sum with a text as its start
# refused: runtime 2 "TypeError: "
def execute_command(image):
    return "ESCAPED:%s" % sum(["a"], "")
