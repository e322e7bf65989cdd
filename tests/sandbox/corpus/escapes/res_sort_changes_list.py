# category: resource | expect: deny | success would mean: a sort key that changes the list being sorted
# refused: runtime 3 "ValueError: "
def execute_command(image):
    xs = [3, 1, 2]
    xs.sort(key=lambda x: xs.append(x) or x)
    return "ESCAPED:%s" % xs
