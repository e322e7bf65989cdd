# legit: counting with dict.get and max by key | must run
# value: 'red'
def execute_command(image):
    image_patch = ImagePatch(image)
    counts = {}
    for cup in image_patch.find("cup"):
        color = cup.simple_query("What color is the cup?")
        counts[color] = counts.get(color, 0) + 1
    return max(counts, key=counts.get) if counts else "none"
