# category: deep nesting | expect: reject | success would mean: five thousand refusals
# refused: policy 2 "Programs cannot use 'eval': programs cannot run text; use coerce_to_numeric(text) to read a number."
def execute_command(image):
@REPEAT(5000, "    eval(1)\n")@
    return 1
