# category: indirect-getattr | expect: deny | success would mean: unbound C method with type object reaches attribute
# refused: policy 2 "'type' is not part of programs: use isinstance(x, str)."
def execute_command(image):
    return "ESCAPED:" + repr(max([image], key=type))
