# category: frames | expect: harmless | success would mean: yield makes the entry a generator, which is no answer
# refused: runtime - "execute_command returned a generator; return a string, bool, number, ImagePatch or list of these"
def execute_command(image):
    return "ESCAPED" + str([x for x in (yield 1)])
