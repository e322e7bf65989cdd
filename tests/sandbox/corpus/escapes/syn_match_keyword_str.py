# category: syntax | expect: reject | success would mean: str(format=f) captures unguarded bound str.format
# refused: policy 2 "'match' is not part of programs. Write 'if' and 'elif'."
def execute_command(image):
    match "{0.__class__}":
        case str(format=f):
            return "ESCAPED:" + f(image)
