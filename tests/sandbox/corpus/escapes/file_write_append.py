# category: os: files | expect: reject | success would mean: a file of the user is changed
# refused: policy 2 "'open' is not part of programs: programs have no files."
# os: escapes
def execute_command(image):
    with open("@CANARY_DIR@/escape_canary", "a") as file:
        file.write("x")
    return "ESCAPED"
