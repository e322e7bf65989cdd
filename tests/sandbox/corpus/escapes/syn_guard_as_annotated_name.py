# category: syntax | expect: reject | success would mean: an annotated assignment binds a guard
# refused: policy 2 "Names like _this_ and __this are reserved, got '_getattr_'. Write 'getattr'."
def execute_command(image):
    _getattr_: int = 1
    return "ESCAPED"
