# category: encoding | expect: harmless | success would mean: a lone carriage return hides a line from an editor
# gives: 2
def execute_command(image):
    x = 1@CR@    x = 2
    return x
