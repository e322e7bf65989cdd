# category: builtins-import | expect: reject | success would mean: type(name, bases, dict) makes classes without the statement
# refused: policy 2 "'type' is not part of programs: use isinstance(x, str)."
def execute_command(image):
    return "ESCAPED:" + repr(type("A", (), {"__del__": lambda self: 1})())
