# category: builtins-import | expect: reject | success would mean: SystemExit passes every except Exception
# refused: policy 2 "'exit' is not part of programs: return the answer."
def execute_command(image):
    exit(0)
