# category: proxies | expect: deny | success would mean: halving a patch until floats end
# refused: runtime 4 "ValueError: The box left=0, lower=0, right=0."
def execute_command(image):
    p = image
    for i in range(3_000):
        p = p.crop(p.left, p.lower, p.horizontal_center, p.upper)
    return p
