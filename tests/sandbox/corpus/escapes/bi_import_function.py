# category: builtins-import | expect: reject | success would mean: __import__ called by hand
# refused: policy 2 "Names like _this_ and __this are reserved, got '__import__'. Remove it."
def execute_command(image):
    return "ESCAPED:" + __import__("os").name
