# category: resource | expect: kill | success would mean: a loop over a list that it extends
# refused: timeout - "The program "
def execute_command(image):
    xs = [1]
    for x in xs:
        xs.append(x)
    return "ESCAPED"
