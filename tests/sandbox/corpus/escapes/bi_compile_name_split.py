# category: builtins-import | expect: reject | success would mean: the name is put together, the function is not there
# refused: policy 3 "'eval' is not part of programs: programs cannot run text; use coerce_to_numeric(text) to read a number."
def execute_command(image):
    run = {"e": "ev", "v": "al"}
    return "ESCAPED:" + repr(eval(run["e"] + run["v"]))
