# category: encoding | expect: harmless | success would mean: a codec from the library decodes the source
# gives: 'plain'
# coding: rot13
def execute_command(image):
    return "plain"
