# category: syntax | expect: reject | success would mean: *args under the name of a guard
# refused: policy 2 "Names like _this_ and __this are reserved, got '_getattr_'. Write 'getattr'."
def execute_command(image):
    def f(*_getattr_):
        return image.find
    return "ESCAPED:" + repr(f(1))
