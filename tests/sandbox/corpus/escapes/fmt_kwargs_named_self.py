# category: format | expect: harmless | success would mean: an argument named like the parameter of the real method
# gives: '123'
def execute_command(image):
    return "{self}{template}{args}".format(self=1, template=2, args=3)
