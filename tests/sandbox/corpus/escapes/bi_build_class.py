# category: builtins-import | expect: reject | success would mean: __build_class__ makes classes without the statement
# refused: policy 2 "Names like _this_ and __this are reserved, got '__build_class__'. Remove it."
def execute_command(image):
    return "ESCAPED:" + repr(__build_class__(lambda: None, "A"))
