# category: builtins-import | expect: reject | success would mean: eval / exec / compile
# refused: policy 2 "'compile' is not part of programs: programs cannot run text."
def execute_command(image):
    return "ESCAPED:" + str(eval("1+1")) + str(exec("x=1")) + str(compile("1", "", "eval"))
