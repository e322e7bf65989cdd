# category: builtins-import | expect: reject | success would mean: a refused name as a default value
# refused: policy 1 "'exec' is not part of programs: programs cannot run text."
def execute_command(image, run=exec):
    run("x = 1")
    return "ESCAPED"
