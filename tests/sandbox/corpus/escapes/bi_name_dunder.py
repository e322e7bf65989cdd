# category: builtins-import | expect: reject | success would mean: reading __name__ tells what runs the program
# refused: policy 2 "Names like _this_ and __this are reserved, got '__name__'. Remove it."
def execute_command(image):
    return "ESCAPED:" + __name__
