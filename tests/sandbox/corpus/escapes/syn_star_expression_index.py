# category: syntax | expect: deny | success would mean: a starred index makes a tuple
# refused: runtime 3 "KeyError: "
def execute_command(image):
    d = {(1, 2): "x"}
    return "ESCAPED:" + d[*[1, 3]]
