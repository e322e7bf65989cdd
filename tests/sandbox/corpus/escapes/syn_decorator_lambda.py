# category: syntax | expect: reject | success would mean: decorator chain: getattr called through @
# refused: policy 1 "Decorators are not part of programs. Call the function."
@(lambda f: getattr(f, "__globals__"))
def leaked():
    pass
def execute_command(image):
    return "ESCAPED:" + repr(leaked)[:40]
