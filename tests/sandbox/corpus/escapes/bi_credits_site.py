# category: builtins-import | expect: reject | success would mean: names that site adds to builtins: credits, license, copyright
# refused: check 2 "Unknown name 'license'. Did you mean 'slice' or 'len'?"
def execute_command(image):
    return "ESCAPED:" + repr(license)
