# category: builtins-import | expect: reject | success would mean: calling _write_ to learn what it returns
# refused: policy 2 "Names like _this_ and __this are reserved, got '_write_'. Write 'write'."
def execute_command(image):
    return "ESCAPED:" + repr(_write_(image))
