# category: indirect-getattr | expect: deny | success would mean: delattr removes a guard
# refused: policy 2 "Programs cannot use 'delattr': patches cannot be changed."
def execute_command(image):
    delattr(image, "find")
    return "ESCAPED:delattr"
