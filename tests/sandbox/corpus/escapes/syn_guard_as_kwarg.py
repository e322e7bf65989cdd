# category: syntax | expect: reject | success would mean: **kwargs under the name of a guard
# refused: policy 2 "Names like _this_ and __this are reserved, got '_write_'. Write 'write'."
def execute_command(image):
    def f(**_write_):
        return _write_
    return "ESCAPED:" + repr(f(x=1))
