# category: resource | expect: bounded | success would mean: freeing a list three hundred thousand levels deep
# gives: 'freed'
def execute_command(image):
    x = []
    for i in range(300_000):
        x = [x]
    x = None
    return "freed"
