# category: syntax | expect: reject | success would mean: parameters are given by name, but only those of the contract
# refused: policy 1 "Names like _this_ and __this are reserved, got '__builtins__'. Remove it."
def execute_command(image, __builtins__):
    return "ESCAPED:" + repr(__builtins__)
