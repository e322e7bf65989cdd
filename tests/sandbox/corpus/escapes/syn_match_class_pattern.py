# category: syntax | expect: reject | success would mean: class patterns read attributes by __match_args__
# refused: policy 2 "'match' is not part of programs. Write 'if' and 'elif'."
def execute_command(image):
    match image:
        case ImagePatch(_session=s):
            return "ESCAPED:" + repr(s)
