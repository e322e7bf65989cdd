# category: syntax | expect: reject | success would mean: nonlocal names a guard of an outer function
# refused: policy 2 "Names like _this_ and __this are reserved, got '_write_'. Write 'write'."
def execute_command(image):
    _write_ = 1
    def f():
        nonlocal _write_
        _write_ = 2
    return "ESCAPED"
