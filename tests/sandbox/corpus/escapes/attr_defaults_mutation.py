# category: attr-walk | expect: reject | success would mean: defaults of a host function changed for later runs
# refused: policy 2 "Attributes cannot be set or deleted, got '.__defaults__'. Keep the value in a variable or a dict."
def execute_command(image):
    image.find.__func__.__defaults__ = ("x",)
    return "ESCAPED:defaults"
