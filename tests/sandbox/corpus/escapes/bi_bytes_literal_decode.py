# category: builtins-import | expect: deny | success would mean: methods of a bytes literal
# refused: check 2 "There is no attribute 'decode' in programs. Texts need no encoding here: leave it out."
def execute_command(image):
    return "ESCAPED:" + b"abc".decode()
