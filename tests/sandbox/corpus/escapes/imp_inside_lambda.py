# category: builtins-import | expect: reject | success would mean: an import as an expression
# refused: policy 2 "Names like _this_ and __this are reserved, got '__import__'. Remove it."
def execute_command(image):
    return (lambda: __import__("os"))().name
