# category: indirect-getattr | expect: deny | success would mean: delattr removes a guard
# refused: policy 2 "'delattr' is not part of programs: patches cannot be changed."
def execute_command(image):
    delattr(image, "find")
    return "ESCAPED:delattr"
