# category: syntax | expect: reject | success would mean: a function under the name of a guard
# refused: policy 1 "Names like _this_ and __this are reserved, got '_getattr_'. Write 'getattr'."
def _getattr_(owner, name):
    return owner
def execute_command(image):
    return "ESCAPED:" + repr(image.anything)
