# category: syntax | expect: deny | success would mean: deleting items of what has none
# refused: runtime 3 "TypeError: 'range' object does not support item assignment"
def execute_command(image):
    r = range(3)
    del r[0]
    return "ESCAPED"
