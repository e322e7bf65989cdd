# category: builtins-import | expect: reject | success would mean: the guards are names of the module: calling _getattr_ with any name
# refused: policy 2 "Names like _this_ and __this are reserved, got '_getattr_'. Write 'getattr'."
def execute_command(image):
    return "ESCAPED:" + repr(_getattr_(image, "__class__"))
