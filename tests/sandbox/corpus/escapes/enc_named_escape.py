# category: encoding | expect: harmless | success would mean: \N{} looks a character up in a table
# gives: 'a'
def execute_command(image):
    return "\N{LATIN SMALL LETTER A}"
