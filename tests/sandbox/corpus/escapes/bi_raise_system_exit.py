# category: builtins-import | expect: reject | success would mean: ending the process without an answer
# refused: policy 2 "'SystemExit' is not part of programs: return the answer."
def execute_command(image):
    raise SystemExit(0)
