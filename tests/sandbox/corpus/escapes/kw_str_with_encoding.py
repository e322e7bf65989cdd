# category: argument tricks | expect: deny | success would mean: str(bytes, encoding) looks a codec up, which imports a module
# refused: runtime 2 "LookupError: "
def execute_command(image):
    return "ESCAPED:" + str(b"abc", "rot13")
