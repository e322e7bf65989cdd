# category: syntax | expect: reject | success would mean: starred unpacking binds a guard
# refused: policy 2 "Names like _this_ and __this are reserved, got '_write_'. Write 'write'."
def execute_command(image):
    first, *_write_ = [1, 2, 3]
    return "ESCAPED"
