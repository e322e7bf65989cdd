# category: resource | expect: kill | success would mean: count and find on texts made to be slow
# refused: timeout - "The program "
def execute_command(image):
    t = "a" * 3_000_000
    return "ESCAPED:%d" % sum(("a" * 1000 + "b" + "a" * 1000) in t[i:] for i in range(2_000))
