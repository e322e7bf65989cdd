# category: proxies | expect: harmless | success would mean: the class as a callable
# gives: [('patch', 0.0, 0.0, 300.0, 200.0), ('patch', 0.0, 0.0, 300.0, 200.0)]
def execute_command(image):
    return list(map(ImagePatch, [image, image]))
