# category: attr-walk | expect: reject | success would mean: __setstate__ of iterators has crashed interpreters
# refused: policy 3 "The attribute '__setstate__' is hidden from programs. Use the attributes and methods of the ImagePatch API."
def execute_command(image):
    it = iter([1, 2, 3])
    it.__setstate__(-(2 ** 62))
    return "ESCAPED:" + repr(next(it))
