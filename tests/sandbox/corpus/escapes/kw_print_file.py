# category: argument tricks | expect: bounded | success would mean: print(file=…) calls write of any object
# gives: 'printed'
def execute_command(image):
    print("x", file=image, flush=True)
    return "printed"
