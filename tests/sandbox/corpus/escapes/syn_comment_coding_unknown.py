# category: encoding | expect: harmless | success would mean: an unknown codec makes the parser search for a module
# gives: 'plain'
# vim: set fileencoding=no_such_codec :
def execute_command(image):
    return "plain"
