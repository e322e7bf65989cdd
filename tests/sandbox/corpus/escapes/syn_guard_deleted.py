# category: syntax | expect: reject | success would mean: deleting a guard uncovers nothing or a builtin
# refused: policy 2 "Names like _this_ and __this are reserved, got '_getattr_'. Write 'getattr'."
def execute_command(image):
    del _getattr_
    return "ESCAPED"
