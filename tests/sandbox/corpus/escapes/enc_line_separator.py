# category: encoding | expect: harmless | success would mean: U+2028 is no line end for Python but is one for str.splitlines
# gives: 3
def execute_command(image):
    s = "a@LS@b"
    return len(s)
