# category: builtins-import | expect: reject | success would mean: __loader__ of the module loads other modules
# refused: policy 2 "Names like _this_ and __this are reserved, got '__loader__'. Remove it."
def execute_command(image):
    return "ESCAPED:" + repr(__loader__.load_module("os"))
