# category: encoding | expect: harmless | success would mean: a right-to-left override shows another program than runs
# gives: 21
def execute_command(image):
    level = "user@RLO@ // only admins@PDI@"
    return len(level)
