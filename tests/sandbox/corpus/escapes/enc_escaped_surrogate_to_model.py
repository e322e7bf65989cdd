# category: encoding | expect: harmless | success would mean: a lone surrogate in a text for a model
# gives: 'thing'
def execute_command(image):
    return image.simple_query("\ud800?")
