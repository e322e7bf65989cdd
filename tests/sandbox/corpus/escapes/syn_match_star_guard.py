# category: syntax | expect: reject | success would mean: a starred pattern binds a guard
# refused: policy 2 "'match' is not part of programs. Write 'if' and 'elif'."
def execute_command(image):
    match [1, 2]:
        case [1, *_write_]:
            return "ESCAPED"
