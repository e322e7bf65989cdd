# category: encoding | expect: harmless | success would mean: an invalid escape makes a warning, which is written to a closed stream
# gives: 6
def execute_command(image):
    return len("\d\q\w")
