# category: attr-walk | expect: harmless | success would mean: a table of translation is a plain dict
# gives: 'plain:{97: 98}'
def execute_command(image):
    return "plain:" + repr(str.maketrans("a", "b"))
