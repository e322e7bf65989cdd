# category: builtins-import | expect: reject | success would mean: __builtins__ as an object
# refused: policy 2 "Names like _this_ and __this are reserved, got '__builtins__'. Remove it."
def execute_command(image):
    return "ESCAPED:" + repr(__builtins__.open)
