# category: resource | expect: bounded | success would mean: freeing a chain of zips
# gives: 'freed'
def execute_command(image):
    x = [1]
    for i in range(100_000):
        x = zip(x)
    x = None
    return "freed"
