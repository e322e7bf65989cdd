# category: encoding | expect: harmless | success would mean: a hidden name as escapes in a text stays a text
# gives: '__class__'
def execute_command(image):
    return "\x5f\137class\u005f\U0000005f"
