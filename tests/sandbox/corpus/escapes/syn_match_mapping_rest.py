# category: syntax | expect: reject | success would mean: a mapping pattern binds a guard as the rest
# refused: policy 2 "'match' is not part of programs. Write 'if' and 'elif'."
def execute_command(image):
    match {"a": 1}:
        case {"a": 1, **_getattr_}:
            return "ESCAPED"
