# category: proxies | expect: harmless | success would mean: a crop never shows more than its patch
# gives: True
def execute_command(image):
    part = image.crop(10, 10, 20, 20)
    return part.crop(0, 0, 10_000, 10_000) == part
