# category: builtins-import | expect: deny | success would mean: open creates a file
# refused: policy 2 "'open' is not part of programs: programs have no files."
# os: escapes
def execute_command(image):
    open("@CANARY_DIR@/escape_canary", "w").write("x")
    return "ESCAPED:write"
