# category: encoding | expect: harmless | success would mean: a form feed resets the count of columns
# gives: 'plain'
def execute_command(image):
@FF@    return "plain"
