# category: syntax | expect: reject | success would mean: import ... as _getattr_
# refused: policy 1 "Names like _this_ and __this are reserved, got '_getattr_'. Write 'getattr'."
import math as _getattr_
def execute_command(image):
    return "ESCAPED:import-as"
