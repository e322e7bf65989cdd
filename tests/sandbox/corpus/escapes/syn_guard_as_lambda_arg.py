# category: syntax | expect: reject | success would mean: a lambda's parameter under the name of a guard
# refused: policy 2 "Names like _this_ and __this are reserved, got '_getattr_'. Write 'getattr'."
def execute_command(image):
    return "ESCAPED:" + repr((lambda _getattr_: image.find)(lambda o, n: o))
