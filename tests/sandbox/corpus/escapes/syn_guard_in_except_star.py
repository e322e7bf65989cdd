# category: syntax | expect: reject | success would mean: an exception group binds a guard
# refused: policy 2 "'except*' is not part of programs. Write 'except'."
def execute_command(image):
    try:
        pass
    except* ValueError as _getattr_:
        pass
    return "ESCAPED"
