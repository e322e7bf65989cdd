# category: frames | expect: deny | success would mean: the harmless-looking attributes of generators
# refused: check 3 "There is no attribute 'gi_running' in programs. Use a method of str, list, dict or set, or of the ImagePatch A"
def execute_command(image):
    it = (x for x in [])
    return "ESCAPED:" + repr(it.gi_running) + repr(it.gi_suspended)
