# category: encoding | expect: harmless | success would mean: names in other scripts are names
# gives: 600.0
def execute_command(image):
    größe = image.width
    長さ = 2
    return größe * 長さ
