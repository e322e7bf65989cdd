# category: syntax | expect: reject | success would mean: template strings keep live objects in their interpolations
# refused: syntax|policy|check * ""
def execute_command(image):
    return t"ESCAPED:{image}"
