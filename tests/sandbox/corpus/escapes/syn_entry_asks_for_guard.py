# category: syntax | expect: reject | success would mean: an entry that asks for a guard by name
# refused: policy 1 "Names like _this_ and __this are reserved, got '_getattr_'. Write 'getattr'."
def execute_command(image, _getattr_):
    return "ESCAPED:" + repr(_getattr_)
