# legit: a recursive helper that halves the image | must run
# value: 3
def count(patch, depth):
    if depth == 0 or patch.width < 40:
        return len(patch.find("cup"))
    left = patch.crop(patch.left, patch.lower, patch.horizontal_center, patch.upper)
    right = patch.crop(patch.horizontal_center, patch.lower, patch.right, patch.upper)
    return count(left, depth - 1) + count(right, depth - 1)

def execute_command(image):
    return count(ImagePatch(image), 2)
