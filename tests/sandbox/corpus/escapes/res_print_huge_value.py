# category: resource | expect: bounded | success would mean: one print of four megabytes
# gives: 'printed'
def execute_command(image):
    print("x" * (4 << 20))
    return "printed"
