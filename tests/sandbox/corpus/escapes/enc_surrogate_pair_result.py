# category: encoding | expect: harmless | success would mean: two halves of a character in the result
# gives: '\\ud83d\\ude00'
def execute_command(image):
    return "\ud83d\ude00"
