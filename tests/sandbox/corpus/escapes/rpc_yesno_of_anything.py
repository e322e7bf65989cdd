# category: rpc | expect: harmless | success would mean: bool_to_yesno takes any value, as bool does
# gives: 'noyes'
def execute_command(image):
    return bool_to_yesno([]) + bool_to_yesno(image)
