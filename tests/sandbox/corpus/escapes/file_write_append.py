# category: os: files | expect: reject | success would mean: a file of the user is changed
# refused: policy 2 "'with' is not part of programs: they have no files or locks. Remove it."
# os: escapes
def execute_command(image):
    with open("@CANARY_DIR@/escape_canary", "a") as file:
        file.write("x")
    return "ESCAPED"
