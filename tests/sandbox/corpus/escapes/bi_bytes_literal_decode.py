# category: builtins-import | expect: deny | success would mean: methods of a bytes literal
# refused: check 2 "There is no attribute 'decode' in programs. Use a method of str, list, dict or set, or of the ImagePatch API."
def execute_command(image):
    return "ESCAPED:" + b"abc".decode()
