# category: attr-walk | expect: reject | success would mean: code.replace builds bytecode that no compiler would write
# refused: policy 4 "Attributes cannot be set or deleted, got '.__code__'. Keep the value in a variable or a dict."
def execute_command(image):
    def f():
        return 1
    f.__code__ = f.__code__.replace(co_consts=())
    return "ESCAPED:code"
