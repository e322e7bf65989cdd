# category: syntax | expect: reject | success would mean: a bare annotation makes a guard local and unbound
# refused: policy 2 "Names like _this_ and __this are reserved, got '_getattr_'. Write 'getattr'."
def execute_command(image):
    _getattr_: int
    return "ESCAPED:" + str(image.width)
