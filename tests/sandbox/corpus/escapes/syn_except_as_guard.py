# category: syntax | expect: reject | success would mean: except ... as _write_ rebinding
# refused: policy 4 "Names like _this_ and __this are reserved, got '_write_'. Write 'write'."
def execute_command(image):
    try:
        1 / 0
    except ZeroDivisionError as _write_:
        return "ESCAPED:exc-name"
