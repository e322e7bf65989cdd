# category: builtins-import | expect: reject | success would mean: __builtins__ dict/module by name
# refused: policy 2 "Names like _this_ and __this are reserved, got '__builtins__'. Remove it."
def execute_command(image):
    return "ESCAPED:" + str(__builtins__["open"])
