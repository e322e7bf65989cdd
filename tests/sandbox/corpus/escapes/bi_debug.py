# category: builtins-import | expect: reject | success would mean: __debug__ is a constant of the compiler that needs no builtins
# refused: policy 2 "Names like _this_ and __this are reserved, got '__debug__'. Remove it."
def execute_command(image):
    return "ESCAPED:%s" % __debug__
