# category: syntax | expect: reject | success would mean: a walrus in a comprehension binds outside of it
# refused: policy 2 "Names like _this_ and __this are reserved, got '_getattr_'. Write 'getattr'."
def execute_command(image):
    [(_getattr_ := x) for x in [1]]
    return "ESCAPED"
