# category: syntax | expect: reject | success would mean: defaults inside defaults
# refused: policy 1 "Names like _this_ and __this are reserved, got '__import__'. Remove it."
def execute_command(image, f=lambda g=lambda: __import__("os"): g()):
    return "ESCAPED:" + repr(f())
