# category: syntax | expect: reject | success would mean: property objects from a decorator
# refused: policy 1 "Decorators are not part of programs. Call the function."
@property
def leak(self):
    return self
def execute_command(image):
    return "ESCAPED:" + repr(leak)
