# category: proxies | expect: harmless | success would mean: equal patches fall together in a set
# gives: 2
def execute_command(image):
    return len({image, ImagePatch(image), image.crop(0, 0, 9, 9)})
