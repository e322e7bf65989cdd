# category: argument tricks | expect: deny | success would mean: an unknown codec is searched as a module on disk
# refused: runtime 2 "LookupError: "
def execute_command(image):
    return "ESCAPED:" + str(b"abc", "no_such_codec")
