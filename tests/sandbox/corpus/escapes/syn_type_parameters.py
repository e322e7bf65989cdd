# category: syntax | expect: reject | success would mean: generic functions evaluate bounds lazily in a scope of their own
# refused: syntax|policy|check * ""
def execute_command[T: image.__class__](image):
    return "ESCAPED"
