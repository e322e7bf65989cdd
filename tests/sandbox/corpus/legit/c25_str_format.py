# legit: format with positions, names and specs | must run
# value: '2 of 5:    dog|002'
def execute_command(image):
    p = ImagePatch(image)
    return "{0} of {total}: {name:>6}|{0:03d}".format(len(p.find("dog")), total=5, name="dog")
