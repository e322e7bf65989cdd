# category: attr-walk | expect: deny | success would mean: public attributes of code objects
# refused: check 3 "There is no attribute 'co_consts' in programs. Use a method of str, list, dict or set, or of the ImagePatch AP"
def execute_command(image):
    f = lambda: 0
    return "ESCAPED:" + repr(f.co_consts)
