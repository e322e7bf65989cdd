# category: frames | expect: deny | success would mean: throw raises anything inside a generator
# refused: check 3 "There is no attribute 'throw' in programs. Use a method of str, list, dict or set, or of the ImagePatch API."
def execute_command(image):
    it = (x for x in [1, 2])
    return "ESCAPED:" + repr(it.throw(ValueError))
