# category: encoding | expect: reject | success would mean: line numbers of a refusal behind U+2028 in a text
# refused: policy 3 "'eval' is not part of programs: programs cannot run text; use coerce_to_numeric(text) to read a number."
def execute_command(image):
    s = "a@LS@b@LS@c"
    return eval(s)
