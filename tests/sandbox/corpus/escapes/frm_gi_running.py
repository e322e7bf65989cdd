# category: frames | expect: deny | success would mean: the harmless-looking attributes of generators
# refused: check 3 "No object in a program has an attribute 'gi_running'. Use a method of str, list, dict or set, or of the ImagePatch A"
def execute_command(image):
    it = (x for x in [])
    return "ESCAPED:" + repr(it.gi_running) + repr(it.gi_suspended)
