# category: builtins-import | expect: reject | success would mean: __spec__ and __file__ of the program's module
# refused: policy 2 "Names like _this_ and __this are reserved, got '__file__'. Remove it."
def execute_command(image):
    return "ESCAPED:" + repr(__spec__) + repr(__file__)
