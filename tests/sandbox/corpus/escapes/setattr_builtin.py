# category: indirect-getattr | expect: deny | success would mean: setattr changes proxy state
# refused: policy 2 "'setattr' is not part of programs: patches cannot be changed; keep the value in a variable or a dict."
def execute_command(image):
    setattr(image, "_handle", 99)
    setattr(image, "find", lambda n: [])
    return "ESCAPED:setattr"
