# category: syntax | expect: reject | success would mean: nested unpacking binds a guard
# refused: policy 2 "Names like _this_ and __this are reserved, got '_getattr_'. Write 'getattr'."
def execute_command(image):
    (a, [b, (_getattr_, c)]) = (1, [2, (3, 4)])
    return "ESCAPED"
