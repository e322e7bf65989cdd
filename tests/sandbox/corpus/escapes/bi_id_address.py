# category: builtins-import | expect: deny | success would mean: id() gives heap addresses for memory-corruption tricks
# refused: policy 2 "'id' is not part of programs: compare patches with ==."
def execute_command(image):
    return "ESCAPED:%x" % id(image)
