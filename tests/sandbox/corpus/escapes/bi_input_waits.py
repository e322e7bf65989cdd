# category: builtins-import | expect: reject | success would mean: input blocks for ever or reads what was not meant for it
# refused: policy 2 "'input' is not part of programs: programs cannot ask anybody; use image_patch.simple_query(...)."
def execute_command(image):
    return "ESCAPED:" + input()
