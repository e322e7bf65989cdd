# category: proxies | expect: harmless | success would mean: the text of a patch shows edges, no address and no handle
# gives: 'ImagePatch(left=0, lower=0, right=300, upper=200)ImagePatch(left=0, lower=0, right=300, upper=200)'
def execute_command(image):
    return str(image) + repr(image)
