# category: syntax | expect: harmless | success would mean: return outside of a function makes the rest a body
# gives: 'not an escape'
return "not an escape"
def execute_command(image):
    return "ESCAPED"
