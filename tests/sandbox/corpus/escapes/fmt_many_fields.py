# category: format | expect: harmless | success would mean: ten thousand fields in one template
# gives: 10000
def execute_command(image):
    return len(("{0}" * 10_000).format("x"))
