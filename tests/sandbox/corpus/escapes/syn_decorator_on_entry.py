# category: syntax | expect: reject | success would mean: a decorator takes the entry's place
# refused: policy 3 "Decorators are not part of programs. Call the function."
def replace(function):
    return lambda image: "ESCAPED"
@replace
def execute_command(image):
    return "fine"
