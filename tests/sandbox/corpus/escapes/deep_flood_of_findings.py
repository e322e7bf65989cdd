# category: deep nesting | expect: reject | success would mean: five thousand refusals
# refused: policy 2 "'eval' is not part of programs: programs cannot run text; use coerce_to_numeric(text) to read a number."
def execute_command(image):
@REPEAT(5000, "    eval(1)\n")@
    return 1
