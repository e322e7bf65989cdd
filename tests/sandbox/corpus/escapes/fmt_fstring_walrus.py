# category: format | expect: reject | success would mean: an assignment in an f-string binds a guard
# refused: policy 2 "Names like _this_ and __this are reserved, got '_getattr_'. Write 'getattr'."
def execute_command(image):
    return f"ESCAPED:{(_getattr_ := print)}"
