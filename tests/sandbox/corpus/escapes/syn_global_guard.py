# category: syntax | expect: reject | success would mean: global makes a guard an own name
# refused: policy 2 "Names like _this_ and __this are reserved, got '_getattr_'. Write 'getattr'."
def execute_command(image):
    global _getattr_
    _getattr_ = lambda o, n: o
    return "ESCAPED"
